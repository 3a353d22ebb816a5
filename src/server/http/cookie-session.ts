/** The session of a browser, read from its cookie without rotating it: proof enough to look, and nothing is minted. */
import type { PresentedSession } from '../sessions/reading.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Context } from './context.ts'
import type { SessionCookie } from './cookie.ts'

/** @returns null where nobody is signed in; that is never reuse */
export type ReadCookieSession = (ctx: Context) => Promise<PresentedSession | null>

export const createReadCookieSession =
  ({
    cookie,
    sessions,
  }: {
    cookie: SessionCookie
    sessions: Pick<Sessions, 'findByRefreshToken'>
  }): ReadCookieSession =>
  async (ctx) => {
    const [refreshToken, ...others] = cookie.read(ctx)
    if (refreshToken === undefined || others.length > 0) return null
    return sessions.findByRefreshToken(refreshToken, 'cookie')
  }
