import { Problem } from '../../errors.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { AccessTokens } from '../../tokens/access-token.ts'
import type { Context, Handler } from '../context.ts'

/**
 * A Bearer token that this service issued, of a session that is live in the database now: our own
 * endpoints never rely on the feed.
 */
export const requireSession =
  ({ accessTokens, sessions }: { accessTokens: AccessTokens; sessions: Sessions }): Handler =>
  async (ctx, next) => {
    const token = bearerToken(ctx)
    const claims = await accessTokens.verify(token)
    if (claims === null) throw invalidAccessToken()
    const live = await sessions.findLive(claims.sub, claims.sid)
    if (live === null) throw invalidAccessToken()
    ctx.state.caller = { claims, ...live }
    ctx.state.sessionId = claims.sid
    ctx.state.userId = claims.sub
    await next()
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
