/** The account's own row, changed inside a transaction that has locked it. Who calls sees to the consequences. */
import { statement, type Queryable } from '../database/database.ts'
import type { Actor } from '../sessions/actor.ts'
import type { EmailAddress } from './email-address.ts'
import type { UserRole } from './user.entity.ts'

export interface Account {
  readonly id: string
  readonly email: string | null
  readonly isVerified: boolean
  readonly isDisabled: boolean
  /** Counts changes, so that a sign-in that began before one does not survive it. */
  readonly passwordVersion: number
  /** The database's clock. */
  readonly now: Date
}

/** Waits for whatever else is being done to the account. @returns null when there is none */
export async function lockAccount(tx: Queryable, userId: string): Promise<Account | null> {
  const [row] = await tx.query(lock, [userId])
  return row
    ? {
        id: row.id,
        email: row.email,
        isVerified: row.email_verified_at !== null,
        isDisabled: row.disabled_at !== null,
        passwordVersion: row.password_version,
        now: row.now,
      }
    : null
}

/** @param passwordHash null: nobody can sign in by password until one is set */
export async function setPassword(tx: Queryable, userId: string, passwordHash: string | null): Promise<void> {
  await tx.query(storePassword, [userId, passwordHash])
}

/** Whoever opened a mail has shown that the address is theirs. @returns false when that was known before */
export async function markVerified(tx: Queryable, userId: string): Promise<boolean> {
  const [verified] = await tx.query(verify, [userId])
  return verified !== undefined
}

/** A verified address. @returns false when another account has it; nothing changed then */
export async function setAddress(tx: Queryable, userId: string, address: EmailAddress): Promise<boolean> {
  const [changed] = await tx.query(storeAddress, [userId, address.address, address.canonical])
  return changed !== undefined
}

/**
 * Takes an address from an account that never proved to own it, which goes on without one.
 * @param keeper the account that may have it
 */
export async function releaseAddress(tx: Queryable, canonical: string, keeper: string): Promise<void> {
  await tx.query(release, [canonical, keeper])
}

export async function setDisabled(tx: Queryable, userId: string, isDisabled: boolean): Promise<void> {
  await tx.query(storeDisabled, [userId, isDisabled])
}

/** @returns those it had before */
export async function setClaims(
  tx: Queryable,
  userId: string,
  claims: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const [changed] = await tx.query(storeClaims, [userId, JSON.stringify(claims)])
  return changed?.former ?? {}
}

/** @returns the one it had before */
export async function setRole(tx: Queryable, userId: string, role: UserRole): Promise<UserRole> {
  const [changed] = await tx.query(storeRole, [userId, role])
  return changed?.former ?? role
}

/** The address is free again; sessions and history stay for as long as they are kept. */
export async function removeAccount(tx: Queryable, userId: string): Promise<void> {
  await tx.query(remove, [userId])
}

type AccountEvent =
  | 'user.created'
  | 'user.confirmed'
  | 'user.password_changed'
  | 'user.password_reset'
  | 'user.email_changed'
  | 'user.email_reverted'
  | 'user.claims_changed'
  | 'user.role_changed'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.deleted'
  | 'api_key.created'

/**
 * What happened, in the history of the account.
 * @param about the `sid` that it concerns: of a session or an API key
 * @param details what else is worth knowing; no secret, no address
 */
export async function recordEvent(
  tx: Queryable,
  userId: string,
  type: AccountEvent,
  actor: Actor,
  about: string | null = null,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const by = [actor.kind, actor.id ?? null, actor.sessionId, actor.ip] as const
  await tx.query(record, [userId, about, type, ...by, JSON.stringify(details)])
}

const lock = statement<{
  id: string
  email: string | null
  email_verified_at: Date | null
  disabled_at: Date | null
  password_version: number
  now: Date
}>(
  'account.lock',
  `select id, email, email_verified_at, disabled_at, password_version,
     clock_timestamp() as now
   from users where id = $1::uuid for no key update`,
)

const storePassword = statement(
  'account.set_password',
  `update users set password_hash = $2::text, password_version = password_version + 1 where id = $1::uuid`,
)

const verify = statement<{ id: string }>(
  'account.verify',
  `update users set email_verified_at = clock_timestamp()
   where id = $1::uuid and email_verified_at is null returning id`,
)

/** The unique index has the last word where two want the same address at once (23505, told by the caller). */
const storeAddress = statement<{ id: string }>(
  'account.set_address',
  `update users set email = $2::text, email_canonical = $3::text, email_verified_at = clock_timestamp()
   where id = $1::uuid
     and not exists (select from users as other where other.email_canonical = $3::text and other.id <> $1::uuid)
   returning id`,
)

const release = statement<{ id: string }>(
  'account.release_address',
  `update users set email = null, email_canonical = null, password_hash = null, password_version = password_version + 1
   where email_canonical = $1::text and id <> $2::uuid and email_verified_at is null
   returning id`,
)

const storeDisabled = statement(
  'account.set_disabled',
  `update users set disabled_at = case when $2::boolean then coalesce(disabled_at, clock_timestamp()) end
   where id = $1::uuid`,
)

const storeClaims = statement<{ former: Record<string, unknown> }>(
  'account.set_claims',
  `update users set claims = $2::jsonb
   from (select claims as former from users where id = $1::uuid) as before
   where id = $1::uuid returning before.former`,
)

const storeRole = statement<{ former: UserRole }>(
  'account.set_role',
  `update users set role = $2::text
   from (select role as former from users where id = $1::uuid) as before
   where id = $1::uuid returning before.former`,
)

const remove = statement('account.remove', 'delete from users where id = $1::uuid')

const record = statement(
  'account.record_event',
  `insert into events (user_id, session_id, type, actor, actor_id, actor_session_id, ip, details)
   values ($1::uuid, $2::uuid, $3::text, $4::text, $5::uuid, $6::uuid, $7::inet, $8::jsonb)`,
)
