import { Problem } from '../../errors.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { AccessTokens } from '../../tokens/access-token.ts'
import type { Caller, Context, Handler } from '../context.ts'

interface CallerDependencies {
  accessTokens: AccessTokens
  sessions: Sessions
}

/**
 * A Bearer token that this service issued, of a session that is live in the database now: our own
 * endpoints never rely on the feed.
 */
export const requireSession =
  (deps: CallerDependencies): Handler =>
  async (ctx, next) => {
    const caller = await callerBy(deps, bearerToken(ctx))
    ctx.state.caller = caller
    ctx.state.sessionId = caller.claims.sid
    ctx.state.userId = caller.claims.sub
    await next()
  }

/** @throws {Problem} 401 unless the access token is in force and its session lives */
export async function callerBy({ accessTokens, sessions }: CallerDependencies, accessToken: string): Promise<Caller> {
  const claims = await accessTokens.verify(accessToken)
  if (claims === null) throw invalidAccessToken()
  const live = await sessions.findLive(claims.sub, claims.sid, claims.iat)
  if (live === null) throw invalidAccessToken()
  return { claims, ...live }
}

/** RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1). */
export function bearerToken(ctx: Context): string {
  const [, token] = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(ctx.get('authorization')) ?? []
  if (token !== undefined) return token
  if (ctx.get('authorization') !== '') throw invalidAccessToken()
  // RFC 6750 section 3.1: without credentials the challenge carries no error.
  throw new Problem(401, 'invalid_access_token', 'Send an access token: Authorization: Bearer …', {
    headers: { 'WWW-Authenticate': 'Bearer' },
  })
}

/** Forged, expired and revoked read alike; the way out is the same for all. */
export const invalidAccessToken = (): Problem =>
  new Problem(401, 'invalid_access_token', 'This access token is not valid. Refresh it, or sign in again.', {
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  })
