import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Context } from './context.ts'
import type { SessionCookie } from './cookie.ts'

/** Another session's cookie may be in this browser; only the session's own goes with it. */
export function clearOwnCookie(
  ctx: Context,
  { cookie, sessions }: { cookie: SessionCookie; sessions: Pick<Sessions, 'isTokenOf'> },
  session: Session,
): void {
  const [refreshToken] = cookie.read(ctx)
  const isOwn = refreshToken !== undefined && sessions.isTokenOf(refreshToken, session.id)
  if (session.transport === 'cookie' && isOwn) cookie.clear(ctx)
}
