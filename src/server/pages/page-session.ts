/** Who looks at a page: read from the cookie without rotating it, since a page mints nothing. */
import type { Context } from '../http/context.ts'
import type { SessionCookie } from '../http/cookie.ts'
import type { PresentedSession } from '../sessions/reading.ts'
import type { Sessions } from '../sessions/sessions.ts'

/** @returns null where nobody is signed in; that is never reuse */
export type ReadPageSession = (ctx: Context) => Promise<PresentedSession | null>

export const createReadPageSession =
  ({ cookie, sessions }: { cookie: SessionCookie; sessions: Pick<Sessions, 'findByRefreshToken'> }): ReadPageSession =>
  async (ctx) => {
    const [refreshToken, ...others] = cookie.read(ctx)
    if (refreshToken === undefined || others.length > 0) return null
    return sessions.findByRefreshToken(refreshToken, 'cookie')
  }
