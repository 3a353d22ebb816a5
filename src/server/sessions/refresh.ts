/**
 * The refresh rules (docs/refresh.md). In the ordinary case one statement on one row; only when that
 * touches no row is the row read, and the case decided from what it says.
 */
import type { Logger } from 'pino'
import type { Terms } from '../clients/terms.ts'
import type { Counters } from '../counters/counters.ts'
import { refreshRefused, Unavailable } from '../errors.ts'
import { statement, type Database } from '../database/database.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { decodeRefreshToken, encodeRefreshToken, type RefreshToken } from '../tokens/refresh-token.ts'
import type { Ring } from '../tokens/ring.ts'
import { hashSecret, isSameSecret } from '../tokens/secrets.ts'
import { hashIdempotencyKey, wasRotatedWith } from './idempotency.ts'
import { describeRefusal, refuseEnded } from './refusals.ts'
import { readEnd } from './session-end.ts'
import { IS_LIVE, type Transport } from './session.ts'
import { ISSUANCE_COLUMNS, issueTokens, type IssuanceRow, type IssuedTokens } from './token-issuance.ts'

export interface PresentedRefreshToken {
  readonly refreshToken: string
  /** How it arrived. */
  readonly transport: Transport
  /** The client that says it presents it, where it says so. */
  readonly clientId: string | null
  /** At most 128 characters; half a credential, never logged. */
  readonly idempotencyKey: string | null
  /** Those of the rotations before, from whoever cannot see which token it presents. */
  readonly formerKeys?: readonly string[]
  readonly ip: string | null
}

export interface RefreshSettings {
  /** Seconds. */
  readonly idleTtl: number
  readonly accessTtl: number
}

export type Refresh = (presented: PresentedRefreshToken) => Promise<IssuedTokens>

interface RefreshDependencies {
  database: Database
  ring: Ring
  accessTokens: AccessTokens
  rateLimits: Pick<RateLimits, 'beforeRefresh'>
  counters: Pick<Counters, 'count'>
  terms: Terms
  settings: RefreshSettings
  log: Logger
}

/**
 * @throws {OAuthError} `invalid_grant` with `reason` and `terminal`
 * @throws {RateLimited} nothing was decided, as with the next
 * @throws {Unavailable} nothing was decided; the same token and key may be presented again
 */
export const createRefresh =
  (deps: RefreshDependencies): Refresh =>
  async (presented) => {
    const token = openToken(deps.ring, presented.refreshToken)
    deps.rateLimits.beforeRefresh(token.sessionId)
    const rotated = await rotate(deps, token, presented)
    if (rotated === undefined) return decide(deps, token, presented)

    deps.counters.count(rotated.recovered ? 'refresh.recovered' : 'refresh.rotated')
    if (rotated.recovered) {
      deps.log.warn({ event: 'refresh_ahead_of_row', session_id: token.sessionId }, 'the database was behind a device')
    }
    const successor = encodeRefreshToken({ ...token, generation: token.generation + 1 }, deps.ring)
    return issueTokens(deps.accessTokens, rotated, successor)
  }

/** Form and MAC, before the database is asked. */
function openToken(ring: Ring, presented: string): RefreshToken {
  const decoded = decodeRefreshToken(presented, ring)
  if (decoded.kind === 'malformed') throw refuse('malformed')
  if (decoded.kind === 'unknown_key') throw refuse('unknown_key', false)
  return decoded.token
}

/** Generation g ≥ n of a live row: the row becomes g + 1. */
async function rotate(
  { database, settings, terms }: RefreshDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
): Promise<(IssuanceRow & { recovered: boolean }) | undefined> {
  const [row] = await database.query(rotateSession, [
    token.userId,
    token.sessionId,
    hashSecret(token.secret),
    token.generation,
    presented.transport,
    presented.clientId,
    hashIdempotencyKey(token.sessionId, presented.idempotencyKey),
    settings.idleTtl,
    presented.ip,
    terms.ownIdleTtls(),
  ])
  return row
}

/** Not rotated: refused, replayed or reused, by what the row says now. */
async function decide(
  deps: RefreshDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
): Promise<IssuedTokens> {
  const { database, ring, accessTokens, counters, terms, settings, log } = deps
  const row = await readGood(deps, token, presented)
  const { generation: current } = row
  // Between the statement and this reading the row changed: nothing is decided, nothing consumed.
  if (token.generation >= current) throw new Unavailable('the session changed while it was refreshed')

  const { idempotencyKey, formerKeys = [] } = presented
  const isPredecessor = token.generation === current - 1
  const isWithinGrace = row.rotated_ago !== null && row.rotated_ago < terms.of(row.client_id).grace
  const keyHashes = [idempotencyKey, ...formerKeys].map((key) => hashIdempotencyKey(token.sessionId, key))
  const isKeyed = wasRotatedWith(row.idempotency_hashes, token.generation, current, keyHashes)
  if ((isPredecessor && isWithinGrace) || isKeyed) {
    counters.count('refresh.replayed')
    return issueTokens(accessTokens, row, encodeRefreshToken({ ...token, generation: current }, ring))
  }

  // Committed before it is refused: a thief's victim stays protected although the answer is an error.
  const subtype = isPredecessor ? 'late_predecessor' : 'old_token'
  const [ended] = await database.query(endReused, [
    token.userId,
    'token_reuse',
    settings.accessTtl + FEED_MARGIN,
    'system',
    null,
    presented.ip,
    subtype,
    token.sessionId,
    token.generation,
  ])
  if (ended === undefined) {
    // Another request ended it first, and gives the reason; or lost commits set the row back.
    await readGood(deps, token, presented)
    throw new Unavailable('the session changed while it was refreshed')
  }
  counters.count(`refresh.reuse.${subtype}`)
  log.warn(
    { event: 'refresh_token_reuse', subtype, session_id: token.sessionId, user_id: token.userId },
    'reuse detected',
  )
  throw refuse('token_reuse')
}

/** The row as it is now, if it still lets this token refresh. */
async function readGood(
  { database, log }: RefreshDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
): Promise<ReadRow> {
  const [row] = await database.query(readSession, [token.userId, token.sessionId])
  if (row === undefined) throw refuse('unknown_session')
  refuseUnlessOwn(row, token, presented, log)
  if (row.revoked_reason !== null) {
    const ended = { userId: row.user_id, id: row.id, reason: row.revoked_reason, revokedAt: row.revoked_at }
    throw refuseEnded(await readEnd(database, ended))
  }
  if (row.idle_expired) throw refuse('expired_idle')
  if (row.absolute_expired) throw refuse('expired_absolute')
  return row
}

/** The order of docs/refresh.md: secret hash, transport and client, before the session's own state. */
function refuseUnlessOwn(row: ReadRow, token: RefreshToken, presented: PresentedRefreshToken, log: Logger): void {
  if (!isSameSecret(row.secret_hash, hashSecret(token.secret))) {
    // A good MAC with a wrong secret needs our key: somebody else has it.
    log.error(
      { event: 'refresh_token_forged', session_id: token.sessionId },
      'a refresh token was forged with our key: treat HALLPASS_SECRET as leaked',
    )
    throw refuse('malformed')
  }
  if (row.transport !== presented.transport) throw refuse('wrong_transport')
  if (presented.clientId !== null && presented.clientId !== row.client_id) throw refuse('wrong_client')
}

const refuse = (reason: Parameters<typeof refreshRefused>[0], terminal = true) =>
  refreshRefused(reason, describeRefusal(reason), terminal)

/**
 * Every condition stands on the updated row itself: after waiting for a concurrent refresh PostgreSQL
 * looks again at that row only (measured: with a self-join or a sub-select the loser rotates too).
 * `local` suffices for this commit, where standbys are synchronous: the token proves itself (g > n).
 */
const rotateSession = statement<IssuanceRow & { recovered: boolean }>(
  'refresh.rotate',
  `update sessions set
     generation = $4::bigint + 1,
     recovered = generation < $4::bigint,
     rotated_at = clock_timestamp(),
     last_used_at = clock_timestamp(),
     idle_expires_at = case when pinned then absolute_expires_at else clock_timestamp() + make_interval(
       secs => coalesce(idle_ttl, ($10::jsonb ->> client_id)::float8, $8::float8)) end,
     ip_last = $9::inet,
     idempotency_hashes = case
       when generation = $4::bigint then $7::bytea || substring(idempotency_hashes from 1 for 48)
       else $7::bytea || decode(repeat('00', 48), 'hex')
     end
   where user_id = $1::uuid and id = $2::uuid
     and generation <= $4::bigint
     and secret_hash = $3::bytea
     and transport = $5::text
     and ($6::text is null or client_id = $6::text)
     and ${IS_LIVE}
   returning ${ISSUANCE_COLUMNS}, recovered, set_config('synchronous_commit', 'local', true)`,
)

type ReadRow = IssuanceRow & {
  secret_hash: Buffer
  generation: number
  idempotency_hashes: Buffer
  transport: Transport
  revoked_at: Date | null
  revoked_reason: string | null
  /** Seconds since the last rotation; null before the first, and where its grace was ended. */
  rotated_ago: number | null
  idle_expired: boolean
  absolute_expired: boolean
}

/**
 * `for share` waits for a revocation that is under way: a replay that did not would carry an `iat` later
 * than that revocation's `issued_until`, and the feed would miss it.
 */
const readSession = statement<ReadRow>(
  'refresh.read',
  `select ${ISSUANCE_COLUMNS}, secret_hash, generation, idempotency_hashes, transport, revoked_at, revoked_reason,
     extract(epoch from clock_timestamp() - rotated_at)::float8 as rotated_ago,
     idle_expires_at <= clock_timestamp() as idle_expired,
     absolute_expires_at <= clock_timestamp() as absolute_expired
   from sessions where user_id = $1::uuid and id = $2::uuid
   for share`,
)

const endReused = endingSessions('refresh.end_reused', 'id = $8::uuid and generation > $9::bigint', {
  mail: 'token_reuse',
})
