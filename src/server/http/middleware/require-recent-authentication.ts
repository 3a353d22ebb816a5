import { Problem } from '../../errors.ts'
import { callerOf, type Context, type Handler } from '../context.ts'

/** Seconds. */
const MAX_AGE = 600

export const isRecent = (authenticatedAt: Date, now: Date): boolean =>
  now.getTime() - authenticatedAt.getTime() <= MAX_AGE * 1000

/** Step-up (RFC 9470): what cannot be undone wants a person who proved who they are a moment ago. */
export const requireRecentAuthentication: Handler = (ctx, next) => {
  demandRecentAuthentication(ctx)
  return next()
}

/** @throws {Problem} 401, for a request that wants it only sometimes */
export function demandRecentAuthentication(ctx: Context): void {
  const { claims, now } = callerOf(ctx)
  if (isRecent(new Date(claims.auth_time * 1000), now)) return
  throw new Problem(
    401,
    'insufficient_user_authentication',
    'Confirm that it is you: POST /v1/sessions/current/reauthentication, then repeat this with the access token it returns.',
    { headers: { 'WWW-Authenticate': `Bearer error="insufficient_user_authentication", max_age="${MAX_AGE}"` } },
  )
}
