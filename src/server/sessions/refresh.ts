/**
 * The refresh rules (docs/refresh.md). In the ordinary case one statement on one row; only when that
 * touches no row is the row read, and the case decided from what it says. Policies (policies.ts) stand before
 * every token: a device that shows what it showed before passes them in that one statement.
 */
import type { IncomingHttpHeaders } from 'node:http'
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
import { SEEN_COLUMNS, type Appearance, type Policies, type SeenRow } from './policies.ts'
import { enforce, tellTrips } from './policy-enforcement.ts'
import { describeRefusal, refuseEnded } from './refusals.ts'
import { createRotation, type RotatedRow, type Rotation } from './rotation.ts'
import { readEnd } from './session-end.ts'
import type { Transport } from './session.ts'
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
  /** What it says of its device (device.ts). */
  readonly headers?: IncomingHttpHeaders
}

export interface RefreshSettings {
  /** Seconds. */
  readonly idleTtl: number
  readonly accessTtl: number
  /** Whether refreshes that are under way at once share a statement. */
  readonly refreshGroups: boolean
}

export type Refresh = (presented: PresentedRefreshToken) => Promise<IssuedTokens>

interface RefreshDependencies {
  database: Database
  rotation: Rotation
  ring: Ring
  accessTokens: AccessTokens
  rateLimits: Pick<RateLimits, 'beforeRefresh'>
  policies: Policies
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
export function createRefresh(given: Omit<RefreshDependencies, 'rotation'>): Refresh {
  const deps = { ...given, rotation: createRotation(given) }
  return async (presented) => {
    const token = openToken(deps.ring, presented.refreshToken)
    deps.rateLimits.beforeRefresh(token.sessionId)
    const { headers = {}, ip } = presented
    const appearance = { headers, ip, seen: deps.policies.see(headers, ip) }
    const rotated = await deps.rotation.rotate(token, presented, appearance)
    return rotated === undefined ? decide(deps, token, presented, appearance) : accept(deps, token, rotated)
  }
}

/** Form and MAC, before the database is asked. */
function openToken(ring: Ring, presented: string): RefreshToken {
  const decoded = decodeRefreshToken(presented, ring)
  if (decoded.kind === 'malformed') throw refuse('malformed')
  if (decoded.kind === 'unknown_key') throw refuse('unknown_key', false)
  return decoded.token
}

function accept(
  { ring, accessTokens, counters, log }: RefreshDependencies,
  token: RefreshToken,
  rotated: RotatedRow,
): Promise<IssuedTokens> {
  counters.count(rotated.recovered ? 'refresh.recovered' : 'refresh.rotated')
  if (rotated.recovered) {
    log.warn({ event: 'refresh_ahead_of_row', session_id: token.sessionId }, 'the database was behind a device')
  }
  const successor = encodeRefreshToken({ ...token, generation: token.generation + 1 }, ring)
  return issueTokens(accessTokens, rotated, successor)
}

/** Two tabs that meet a change at once: one makes it the row's, for the other it is none then. */
const LOOKS = 2

/** Not rotated: refused, replayed or reused, or from a device that shows something else, by what the row says now. */
async function decide(
  deps: RefreshDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
  appearance: Appearance,
): Promise<IssuedTokens> {
  const { ring, accessTokens, counters, policies, rotation, terms } = deps
  for (let look = 0; look < LOOKS; look += 1) {
    const row = await readGood(deps, token, presented)
    const isBehind = token.generation < row.generation
    if (isBehind && !isReplay(row, token, presented, terms)) return endReused(deps, token, presented, row)

    const verdict = policies.judge(row, appearance)
    const mayPass = verdict === null || (await enforce(deps, row, verdict, isBehind))
    if (mayPass && isBehind) {
      counters.count('refresh.replayed')
      return issueTokens(accessTokens, row, encodeRefreshToken({ ...token, generation: row.generation }, ring))
    }
    if (verdict === null) break
    const rotated = mayPass && (await rotation.rotateChanged(token, presented, row, verdict))
    if (!rotated) continue
    tellTrips(deps, row, verdict)
    return accept(deps, token, rotated)
  }
  // The row changed between a statement and a reading: nothing is decided, nothing consumed.
  throw new Unavailable('the session changed while it was refreshed')
}

function isReplay(row: ReadRow, token: RefreshToken, presented: PresentedRefreshToken, terms: Terms): boolean {
  const { idempotencyKey, formerKeys = [] } = presented
  const isWithinGrace = row.rotated_ago !== null && row.rotated_ago < terms.of(row.client_id).grace
  const keyHashes = [idempotencyKey, ...formerKeys].map((key) => hashIdempotencyKey(token.sessionId, key))
  return (
    (isPredecessor(row, token) && isWithinGrace) ||
    wasRotatedWith(row.idempotency_hashes, token.generation, row.generation, keyHashes)
  )
}

const isPredecessor = (row: ReadRow, token: RefreshToken): boolean => token.generation === row.generation - 1

/** Committed before it is refused: a thief's victim stays protected although the answer is an error. */
async function endReused(
  deps: RefreshDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
  row: ReadRow,
): Promise<never> {
  const { database, counters, settings, log } = deps
  const subtype = isPredecessor(row, token) ? 'late_predecessor' : 'old_token'
  const [ended] = await database.query(endReusedSession, [
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

/** The order of docs/refresh.md: secret hash, transport, client, then the session's own state. */
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

type ReadRow = SeenRow &
  IssuanceRow & {
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
  `select ${ISSUANCE_COLUMNS}, ${SEEN_COLUMNS}, secret_hash, generation, idempotency_hashes, transport,
     revoked_at, revoked_reason, extract(epoch from clock_timestamp() - rotated_at)::float8 as rotated_ago,
     idle_expires_at <= clock_timestamp() as idle_expired,
     absolute_expires_at <= clock_timestamp() as absolute_expired
   from sessions where user_id = $1::uuid and id = $2::uuid
   for share`,
)

const endReusedSession = endingSessions('refresh.end_reused', 'id = $8::uuid and generation > $9::bigint', {
  mail: 'token_reuse',
})
