/**
 * A new session. The user's row is locked and read again inside the transaction, so that a sign-in whose
 * password was checked before a reset, or whose account was disabled meanwhile, does not survive it.
 */
import { v7 as uuidv7 } from 'uuid'
import type { ClientTerms, Terms } from '../clients/terms.ts'
import { statement, type Queryable } from '../database/database.ts'
import { networkOf } from '../events/addresses.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import type { Locate } from '../location/location.ts'
import { encodeRefreshToken } from '../tokens/refresh-token.ts'
import type { Ring } from '../tokens/ring.ts'
import { hashSecret, newSecret } from '../tokens/secrets.ts'
import { locationJson } from './baseline.ts'
import { ANNOUNCED_TO_OWNER } from './changes.ts'
import { claimsInData } from './claims.ts'
import { demandRoom, makeRoom, type Arrival } from './client-limit.ts'
import type { Device } from './device.ts'
import { NO_KEYS } from './idempotency.ts'
import { IS_LIVE, SESSION_COLUMNS, type SessionRow, type Transport } from './session.ts'
import { ISSUANCE_COLUMNS, type IssuanceRow } from './token-issuance.ts'

export interface SignIn {
  readonly userId: string
  /** The account's, as it was when the proof was checked; null where it is checked in this very transaction. */
  readonly passwordVersion: number | null
  readonly amr: readonly string[]
  readonly clientId: string
  readonly scope: string
  readonly transport: Transport
  /** False: a cookie that ends with the browser, and a session of a day at most. */
  readonly remember: boolean
  readonly device: Device
  readonly userAgent: string
  readonly ip: string | null
  /** What its device shows (seen.ts); null where another one speaks for it, and the first refresh is the first sight. */
  readonly seen: Buffer | null
  /** The live session whose cookie this sign-in overwrites; it ends if it is the same user's. */
  readonly replaces: { readonly userId: string; readonly sessionId: string } | null
  /** A session of the same client that the person chose to end for this one. */
  readonly endSessionId?: string | null
  /** When the person proved who they are, if that was not just now. */
  readonly authenticatedAt?: Date | null
  /** Of this session's access tokens, beside the user's own. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly data?: Readonly<Record<string, unknown>>
  /** Members of `data` that go into its access tokens too. */
  readonly dataClaims?: readonly string[]
}

export interface SignInSettings {
  /** Seconds. */
  readonly accessTtl: number
  readonly maxSessions: number
}

/** What a browser session that is not to be remembered lasts at most. Seconds. */
const UNREMEMBERED_TTL = 24 * 60 * 60

/**
 * @returns null when the account changed or was disabled since the proof was checked
 * @throws {SessionLimitReached} which has to undo the transaction
 */
export async function insertSession(
  tx: Queryable,
  { ring, terms, settings, locate }: { ring: Ring; terms: Terms; settings: SignInSettings; locate: Locate },
  signIn: SignIn,
): Promise<{ row: SessionRow & IssuanceRow; refreshToken: string } | null> {
  const id = uuidv7()
  const ofClient = terms.of(signIn.clientId)
  const secret = newSecret()
  const [user] = await tx.query(lockUser, [signIn.userId, signIn.passwordVersion])
  if (user === undefined) return null
  await endSupersededSessions(tx, { signIn, id, terms: ofClient }, settings)
  const [row] = await tx.query(insert, [
    ...insertValues(signIn, ofClient, id, hashSecret(secret)),
    signIn.seen,
    locationJson(locate(signIn.ip)),
  ])
  if (row === undefined) return null
  return {
    row,
    refreshToken: encodeRefreshToken({ userId: signIn.userId, sessionId: id, generation: 0, secret }, ring),
  }
}

async function endSupersededSessions(tx: Queryable, arrival: Arrival, settings: SignInSettings): Promise<void> {
  const { signIn } = arrival
  const feedSeconds = settings.accessTtl + FEED_MARGIN
  const common = [feedSeconds, 'system', null, signIn.ip, null] as const
  await demandRoom(tx, arrival)
  if (signIn.replaces?.userId === signIn.userId) {
    await tx.query(endReplaced, [signIn.userId, 'replaced', ...common, signIn.replaces.sessionId])
  }
  await makeRoom(tx, arrival, feedSeconds)
  await tx.query(endBeyondLimit, [signIn.userId, 'session_limit', ...common, settings.maxSessions - 1])
}

const insertValues = (signIn: SignIn, terms: ClientTerms, id: string, secretHash: Buffer) => [
  signIn.userId,
  id,
  secretHash,
  NO_KEYS,
  signIn.clientId,
  signIn.transport,
  signIn.remember,
  signIn.scope,
  signIn.amr,
  terms.idleTtl,
  signIn.remember ? terms.absoluteTtl : Math.min(UNREMEMBERED_TTL, terms.absoluteTtl),
  signIn.device.name,
  signIn.device.label,
  signIn.device.type,
  signIn.device.model,
  signIn.device.browser.name,
  signIn.device.browser.version,
  signIn.device.os.name,
  signIn.device.os.version,
  signIn.device.app.name,
  signIn.device.app.version,
  signIn.userAgent,
  signIn.ip,
  signIn.authenticatedAt ?? null,
  JSON.stringify(signIn.claims ?? {}),
  JSON.stringify(signIn.data ?? {}),
  JSON.stringify(claimsInData(signIn.data ?? {}, signIn.dataClaims ?? [])),
]

/**
 * NO KEY UPDATE rather than SHARE: it waits for a reset or a revoke-all just the same, and sign-ins of
 * one user wait for each other, so that the limit holds when many arrive at once.
 */
const lockUser = statement<{ id: string }>(
  'sign_in.lock_user',
  `select id from users
   where id = $1::uuid and ($2::int is null or password_version = $2::int) and disabled_at is null
   for no key update`,
)

const endReplaced = endingSessions('sign_in.end_replaced', 'id = $8::uuid')

const endBeyondLimit = endingSessions(
  'sign_in.end_beyond_limit',
  `id in (
     select id from sessions where user_id = $1::uuid and ${IS_LIVE} and not pinned
     order by last_used_at desc, id desc offset $8::int
   )`,
)

/**
 * A device is new to an account when none of its kind was ever seen near this address (IPv4 /24, IPv6 /48):
 * by its kind alone a thief's Chrome on Windows would pass for the owner's. The very first device is not news;
 * that there was one before is noted, as sessions are not kept for good.
 */
const IS_NEW_DEVICE = `
  (
    exists (select from users where users.id = $1::uuid and has_signed_in)
    or exists (select from sessions as before where before.user_id = $1::uuid)
  )
  and not exists (
    select from sessions as before
    where before.user_id = $1::uuid
      and (before.device_type, before.os_name, before.browser_name, before.app_name, before.device_model)
        is not distinct from ($14::text, $18::text, $16::text, $20::text, $15::text)
      and ($23::inet is null or ${isNear('before.ip_first')} or ${isNear('before.ip_last')})
  )`

function isNear(column: string): string {
  return `${networkOf(column)} >>= $23::inet`
}

const insert = statement<SessionRow & IssuanceRow>(
  'sign_in.insert',
  `with added as (
     insert into sessions (
       user_id, id, secret_hash, idempotency_hashes, client_id, transport, persistent, scope, amr,
       claims, authenticated_at, created_at, last_used_at, idle_expires_at, absolute_expires_at,
       device_name, device_label, device_type, device_model, browser_name, browser_version,
       os_name, os_version, app_name, app_version, user_agent, ip_first, ip_last, data, own_claims, seen, location)
     select
       $1::uuid, $2::uuid, $3::bytea, $4::bytea, $5::text, $6::text, $7::boolean, $8::text, $9::text[],
       users.claims || $25::jsonb || $27::jsonb, coalesce($24::timestamptz, clock.now), clock.now, clock.now,
       clock.now + make_interval(secs => $10::float8), clock.now + make_interval(secs => $11::float8),
       $12::text, $13::text, $14::text, $15::text, $16::text, $17::text,
       $18::text, $19::text, $20::text, $21::text, $22::text, $23::inet, $23::inet, $26::jsonb, $25::jsonb,
       $28::bytea, $29::jsonb
     from users, (select clock_timestamp() as now offset 0) as clock
     where users.id = $1::uuid
     returning *
   ), note as (
     update users set has_signed_in = true where id = $1::uuid and not has_signed_in
   ), novelty as (
     select ${IS_NEW_DEVICE} as is_new
   ), history as (
     insert into events (user_id, session_id, type, actor, actor_session_id, ip, details)
     select user_id, id, 'session.created', 'user', id, ip_first,
       case when is_new then '{"new_device": true}'::jsonb else '{}' end
     from added, novelty
   ), notice as (
     insert into outbox (kind, payload)
     select 'mail', jsonb_build_object('purpose', 'new_device', 'user_id', added.user_id, 'session_id', added.id)
     from added, novelty, users
     where users.id = $1::uuid and users.email is not null and is_new
   )
   select ${SESSION_COLUMNS}, ${ISSUANCE_COLUMNS} from added`,
  ANNOUNCED_TO_OWNER,
)
