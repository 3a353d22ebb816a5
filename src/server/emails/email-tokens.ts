/**
 * The tokens in links: 256 random bits of which only the hash is kept, one for each purpose of an
 * account, good once, for a while, and only for the account and the address they were made for.
 */
import { statement, type Database, type Queryable } from '../database/database.ts'
import { hashOpaqueToken, newOpaqueToken } from '../tokens/opaque-token.ts'
import { inPieces } from '../upkeep/in-pieces.ts'
import { lockAccount } from '../users/account.ts'
import type { EmailFlow, UsedToken } from './flow.ts'

export interface NewToken {
  readonly userId: string
  /** The canonical address of the account now, which has to be the same when the token is used. */
  readonly accountAddress: string
  readonly sentTo: string
  /** Tells tokens of one purpose apart that may stand side by side; empty where there is one at most. */
  readonly about?: string
  readonly sessionId?: string | null
  readonly clientId?: string | null
  /** When what it undoes happened, where the mail is made later. RFC 3339. */
  readonly at?: string | null
}

export interface FoundToken {
  readonly userId: string
  readonly accountAddress: string
  readonly sentTo: string
  readonly clientId: string | null
  /** Somebody has shown before that the account's address is theirs. */
  readonly isVerified: boolean
}

type FlowRules = Pick<EmailFlow, 'purpose' | 'lifetime' | 'isBoundToAddress'>

/** In place of the one of the same purpose (and `about`), which is void from then on. */
export async function issueEmailToken(tx: Queryable, flow: FlowRules, made: NewToken): Promise<string> {
  const { token, hash } = newOpaqueToken('hpem_')
  await tx.query(issue, [
    made.userId,
    flow.purpose,
    made.about ?? '',
    hash,
    made.sentTo,
    made.accountAddress,
    made.clientId ?? null,
    made.sessionId ?? null,
    flow.lifetime,
    made.at ?? null,
  ])
  return token
}

/** Looks and uses nothing up. @returns null for a token that would do nothing */
export async function inspectEmailToken(
  database: Queryable,
  flow: FlowRules,
  token: string,
): Promise<FoundToken | null> {
  const hash = hashOpaqueToken(token, 'hpem_')
  const [found] = hash === null ? [] : await database.query(inspect, [hash, flow.purpose, flow.isBoundToAddress])
  if (found === undefined) return null
  return {
    userId: found.user_id,
    accountAddress: found.account_address,
    sentTo: found.sent_to,
    clientId: found.client_id,
    isVerified: found.is_verified,
  }
}

/**
 * Locks the account, then takes the token: of sixteen who come at once, fifteen wait here and find
 * none. Everything the token does belongs into the same transaction, which gives it back if it fails.
 * @param userId whose token it has to be, where somebody signed in presents it
 */
export async function takeEmailToken(
  tx: Queryable,
  flow: FlowRules,
  token: string,
  userId: string | null = null,
): Promise<UsedToken | null> {
  const hash = hashOpaqueToken(token, 'hpem_')
  if (hash === null) return null
  const [owner] = await tx.query(findOwner, [hash, flow.purpose])
  if (owner === undefined || (userId !== null && owner.user_id !== userId)) return null
  await lockAccount(tx, owner.user_id)
  const [taken] = await tx.query(take, [hash, flow.purpose, flow.isBoundToAddress])
  return taken
    ? {
        userId: taken.user_id,
        sentTo: taken.sent_to,
        createdAt: taken.created_at,
        sessionId: taken.session_id,
        clientId: taken.client_id,
      }
    : null
}

/**
 * All of an account's tokens but the ways back to former addresses: who took an account over could
 * otherwise burn its owner's way back.
 */
export async function voidEmailTokens(tx: Queryable, userId: string): Promise<void> {
  await tx.query(voidAll, [userId])
}

/** The ways back that were made at `since` or later, to addresses that the account had after. */
export async function voidLaterWaysBack(tx: Queryable, userId: string, since: Date): Promise<void> {
  await tx.query(voidLater, [userId, since])
}

/** Removes those that have expired. */
export async function pruneEmailTokens(database: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  await inPieces(signal, async () => (await database.query(prune, [])).length === PRUNED_AT_ONCE)
}

const PRUNED_AT_ONCE = 500

const issue = statement(
  'email_tokens.issue',
  `insert into email_tokens
     (user_id, purpose, about, token_hash, sent_to, account_address, client_id, session_id, expires_at, created_at)
   values ($1::uuid, $2::text, $3::text, $4::bytea, $5::text, $6::text, $7::text, $8::uuid,
     clock_timestamp() + make_interval(secs => $9::float8), coalesce($10::timestamptz, clock_timestamp()))
   on conflict (user_id, purpose, about) do update set
     token_hash = excluded.token_hash, sent_to = excluded.sent_to, account_address = excluded.account_address,
     client_id = excluded.client_id, session_id = excluded.session_id,
     created_at = excluded.created_at, expires_at = excluded.expires_at`,
)

/** Of a row `t` of email_tokens and its account `u`. */
const IS_GOOD = `
  t.token_hash = $1::bytea and t.purpose = $2::text and t.expires_at > clock_timestamp()
  and u.id = t.user_id and u.disabled_at is null
  and (not $3::boolean or coalesce(u.email_canonical, '') = t.account_address)`

const inspect = statement<{
  user_id: string
  account_address: string
  sent_to: string
  client_id: string | null
  is_verified: boolean
}>(
  'email_tokens.inspect',
  `select t.user_id, coalesce(u.email, t.account_address) as account_address, t.sent_to, t.client_id,
     u.email_verified_at is not null as is_verified
   from email_tokens t, users u where ${IS_GOOD}`,
)

const findOwner = statement<{ user_id: string }>(
  'email_tokens.find_owner',
  'select user_id from email_tokens where token_hash = $1::bytea and purpose = $2::text',
)

const take = statement<{
  user_id: string
  sent_to: string
  created_at: Date
  session_id: string | null
  client_id: string | null
}>(
  'email_tokens.take',
  `delete from email_tokens t using users u where ${IS_GOOD}
   returning t.user_id, t.sent_to, t.created_at, t.session_id, t.client_id`,
)

const voidAll = statement(
  'email_tokens.void_all',
  `delete from email_tokens where user_id = $1::uuid and purpose <> 'revert_email'`,
)

const voidLater = statement(
  'email_tokens.void_later',
  `delete from email_tokens
   where user_id = $1::uuid and purpose = 'revert_email' and created_at >= $2::timestamptz`,
)

const prune = statement<{ user_id: string }>(
  'email_tokens.prune',
  `delete from email_tokens where token_hash in (
     select token_hash from email_tokens where expires_at < clock_timestamp() limit ${PRUNED_AT_ONCE} for update skip locked
   ) returning user_id`,
)
