/** What a session's row says of the tokens that are made for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AccessTokens } from '../tokens/access-token.ts'

export interface IssuanceRow {
  user_id: string
  id: string
  client_id: string
  scope: string
  amr: string[]
  claims: Record<string, unknown>
  authenticated_at: Date
  idle_expires_at: Date
  absolute_expires_at: Date
  persistent: boolean
  tokens_from: Date | null
  now: Date
}

/** The select or returning list of a `IssuanceRow`; `now` is the only clock that tokens know. */
export const ISSUANCE_COLUMNS = `
  user_id, id, client_id, scope, amr, claims, authenticated_at, idle_expires_at, absolute_expires_at,
  persistent, tokens_from, clock_timestamp() as now`

/**
 * From when on tokens are good, where those of before are outdated: the next whole second, since the feed speaks of
 * whole ones. A token may be waiting for a second that was named just before, and is outdated too: so it is the one after.
 */
export const NEXT_TOKENS_FROM = `
  date_trunc('second', greatest(clock_timestamp(), sessions.tokens_from)) + interval '1 second'`

/** What the feed has to say then, of a row that has its new `tokens_from`: the second before. */
export const OUTDATED_UNTIL = `sessions.tokens_from - interval '1 second'`

/** Tokens as they are handed out. Durations are seconds. */
export interface IssuedTokens {
  readonly accessToken: string
  readonly expiresIn: number
  readonly refreshToken: string
  /** To the nearer of the idle and the absolute end. */
  readonly refreshExpiresIn: number
  readonly sessionId: string
  readonly userId: string
  /** Whether the cookie outlives the browser. */
  readonly persistent: boolean
}

/**
 * Each change puts tokens off by a second. Who changes a session all the time does not keep its device's request for
 * long: it gets a token that is outdated, as the next one would be. Milliseconds.
 */
const LONGEST_WAIT = 3_000

/**
 * What the feed said of the session's tokens holds to the end of a second (docs/http.md): a token of that very
 * second would be refused wherever the feed is followed, so it is made when the second is over.
 * @param authenticatedAt other than the row's after a re-authentication, which later refreshes do not inherit
 */
export async function issueAccessToken(
  accessTokens: AccessTokens,
  row: IssuanceRow,
  authenticatedAt: Date = row.authenticated_at,
): Promise<{ accessToken: string; expiresIn: number }> {
  const wait = Math.min((row.tokens_from?.getTime() ?? 0) - row.now.getTime(), LONGEST_WAIT)
  if (wait > 0) await sleep(wait)
  return accessTokens.issue({
    userId: row.user_id,
    sessionId: row.id,
    clientId: row.client_id,
    scope: row.scope,
    amr: row.amr,
    claims: row.claims,
    authenticatedAt,
    now: new Date(row.now.getTime() + Math.max(wait, 0)),
    endsAt: endsAt(row),
  })
}

export async function issueTokens(
  accessTokens: AccessTokens,
  row: IssuanceRow,
  refreshToken: string,
): Promise<IssuedTokens> {
  const { accessToken, expiresIn } = await issueAccessToken(accessTokens, row)
  return {
    accessToken,
    expiresIn,
    refreshToken,
    refreshExpiresIn: Math.max(0, Math.round((endsAt(row).getTime() - row.now.getTime()) / 1000)),
    sessionId: row.id,
    userId: row.user_id,
    persistent: row.persistent,
  }
}

const endsAt = (row: IssuanceRow): Date =>
  row.idle_expires_at < row.absolute_expires_at ? row.idle_expires_at : row.absolute_expires_at
