/**
 * A device of the system before comes with the token that it has, and goes on here without signing in. The old
 * token is to the session what a refresh token of before its first generation would be (docs/decisions/0030).
 */
import type { Logger } from 'pino'
import type { RefusalReason } from '../../protocol/errors.ts'
import type { Terms } from '../clients/terms.ts'
import type { Counters } from '../counters/counters.ts'
import { statement, type Database } from '../database/database.ts'
import { OAuthError, Unavailable } from '../errors.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import { describeRefusal } from '../sessions/refusals.ts'
import { IS_LIVE, nextIdleEnd, type Transport } from '../sessions/session.ts'
import { ISSUANCE_COLUMNS, issueTokens, type IssuanceRow, type IssuedTokens } from '../sessions/token-issuance.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { deriveSessionSecret, readImportedToken } from '../tokens/imported-token.ts'
import { encodeRefreshToken } from '../tokens/refresh-token.ts'
import type { Ring } from '../tokens/ring.ts'
import { hashSecret, isSameSecret } from '../tokens/secrets.ts'

export interface PresentedImportedToken {
  /** As the system before gave it out, or its bytes in base64url. */
  readonly token: string
  /** The client that says it presents it, where it says so. */
  readonly clientId: string | null
  readonly ip: string | null
}

export interface ContinuedSession {
  readonly tokens: IssuedTokens
  /** As the import said. */
  readonly transport: Transport
}

/**
 * Answers a lost answer's repetition the same, for as long as the session was not refreshed.
 * @throws {OAuthError} with `reason` and `terminal`, as a refresh
 * @throws {RateLimited}
 * @throws {Unavailable} nothing was decided; the same token may be presented again
 */
export type ExchangeImportedToken = (presented: PresentedImportedToken) => Promise<ContinuedSession>

interface ExchangeDependencies {
  database: Database
  ring: Ring
  accessTokens: AccessTokens
  rateLimits: Pick<RateLimits, 'beforeImportedToken'>
  counters: Pick<Counters, 'count'>
  /** Seconds. */
  settings: { readonly idleTtl: number; readonly accessTtl: number }
  terms: Pick<Terms, 'of' | 'ownIdleTtls'>
  /** HALLPASS_IMPORTED_TOKEN_SALT */
  salt: string | null
  log: Logger
}

export const createExchangeImportedToken =
  (deps: ExchangeDependencies): ExchangeImportedToken =>
  async (presented) => {
    const attempt = await deps.rateLimits.beforeImportedToken(presented.ip)
    const found = await find(deps, presented.token)
    if (found === null) throw refuse('unknown_session')
    await attempt.succeeded()
    const row = (await begin(deps, found, presented)) ?? (await decide(deps, found, presented))
    const refreshToken = encodeRefreshToken({ ...found, generation: row.generation }, deps.ring)
    return { tokens: await issueTokens(deps.accessTokens, row, refreshToken), transport: row.transport }
  }

interface Found {
  readonly userId: string
  readonly sessionId: string
  /** The session's, from now on. */
  readonly secret: Buffer
}

async function find({ database, salt }: ExchangeDependencies, token: string): Promise<Found | null> {
  const readings = readImportedToken(token, salt)
  const hashes = readings.map(({ hash }) => hash.toString('hex'))
  const [row] = readings.length === 0 ? [] : await database.query(findToken, [hashes])
  const reading = row && readings.find(({ hash }) => isSameSecret(hash, row.token_hash))
  if (row === undefined || reading === undefined) return null
  return { userId: row.user_id, sessionId: row.session_id, secret: deriveSessionSecret(reading, row.session_id) }
}

/** The first time: from now on the session's secret is the one that comes of this token, and it lives by our rules. */
async function begin(
  { database, settings, terms }: ExchangeDependencies,
  { userId, sessionId, secret }: Found,
  { clientId, ip }: PresentedImportedToken,
): Promise<ImportedRow | undefined> {
  const [row] = await database.query(beginSession, [
    userId,
    sessionId,
    hashSecret(secret),
    settings.idleTtl,
    clientId,
    ip,
    terms.ownIdleTtls(),
  ])
  return row
}

/** Not the first time, or not good: what a refresh with the token before the newest would be answered. */
async function decide(
  deps: ExchangeDependencies,
  found: Found,
  presented: PresentedImportedToken,
): Promise<ImportedRow> {
  const { database, counters, settings, terms, log } = deps
  const row = await readGood(deps, found, presented)
  const isWithinGrace = row.rotated_ago !== null && row.rotated_ago < terms.of(row.client_id).grace
  if (row.generation === 0 || (row.generation === 1 && isWithinGrace)) return row

  // Committed before it is refused, as any reuse.
  const [ended] = await database.query(endReused, [
    found.userId,
    'token_reuse',
    settings.accessTtl + FEED_MARGIN,
    'system',
    null,
    presented.ip,
    'imported_token',
    found.sessionId,
  ])
  if (ended === undefined) {
    await readGood(deps, found, presented)
    throw new Unavailable('the session changed while its old token was exchanged')
  }
  counters.count('refresh.reuse.imported_token')
  log.warn(
    { event: 'refresh_token_reuse', subtype: 'imported_token', session_id: found.sessionId, user_id: found.userId },
    'reuse detected',
  )
  throw refuse('token_reuse')
}

async function readGood(
  { database }: ExchangeDependencies,
  { userId, sessionId, secret }: Found,
  { clientId }: PresentedImportedToken,
): Promise<ReadRow> {
  const [row] = await database.query(readSession, [userId, sessionId])
  if (row === undefined) throw refuse('unknown_session')
  if (clientId !== null && clientId !== row.client_id) throw refuse('wrong_client')
  if (row.revoked_reason !== null) throw refuse(row.revoked_reason as RefusalReason)
  if (row.idle_expired) throw refuse('expired_idle')
  if (row.absolute_expired) throw refuse('expired_absolute')
  // Between the statement and this reading it became what it was not: nothing is decided.
  if (!isSameSecret(row.secret_hash, hashSecret(secret))) throw new Unavailable('the session changed meanwhile')
  return row
}

/** RFC 8693 section 2.2.2: whatever is wrong with the subject token is `invalid_request`. */
const refuse = (reason: RefusalReason): OAuthError =>
  new OAuthError(
    'invalid_request',
    reason === 'unknown_session' ? 'This sign-in was not brought along, or is over. Sign in.' : describeRefusal(reason),
    { extra: { reason, terminal: true } },
  )

interface ImportedRow extends IssuanceRow {
  generation: number
  transport: Transport
}

const findToken = statement<{ user_id: string; session_id: string; token_hash: Buffer }>(
  'imports.find_token',
  `select user_id, session_id, token_hash from imported_tokens
   where token_hash = any (array(select decode(given.hash, 'hex') from unnest($1::text[]) as given (hash)))
     and expires_at > clock_timestamp()`,
)

const beginSession = statement<ImportedRow>(
  'imports.begin_session',
  `update sessions set
     secret_hash = $3::bytea,
     last_used_at = clock_timestamp(),
     idle_expires_at = ${nextIdleEnd('$4', '$7')},
     ip_first = coalesce(ip_first, $6::inet),
     ip_last = $6::inet
   where user_id = $1::uuid and id = $2::uuid
     and generation = 0 and secret_hash <> $3::bytea
     and ($5::text is null or client_id = $5::text)
     and ${IS_LIVE}
   returning ${ISSUANCE_COLUMNS}, generation, transport`,
)

type ReadRow = ImportedRow & {
  secret_hash: Buffer
  revoked_reason: string | null
  /** Seconds since the last rotation. */
  rotated_ago: number | null
  idle_expired: boolean
  absolute_expired: boolean
}

/** `for share`, as a replay reads (docs/decisions/0006). */
const readSession = statement<ReadRow>(
  'imports.read_session',
  `select ${ISSUANCE_COLUMNS}, generation, transport, secret_hash, revoked_reason,
     extract(epoch from clock_timestamp() - rotated_at)::float8 as rotated_ago,
     idle_expires_at <= clock_timestamp() as idle_expired,
     absolute_expires_at <= clock_timestamp() as absolute_expired
   from sessions where user_id = $1::uuid and id = $2::uuid
   for share`,
)

const endReused = endingSessions('imports.end_reused', 'id = $8::uuid and generation > 0', {
  mail: 'token_reuse',
})
