/** The session of a browser, read from its cookie without rotating it: proof enough to look, and nothing is minted. */
import type { PresentedSession } from '../sessions/reading.ts'
import type { SessionEnd } from '../sessions/session-end.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Context } from './context.ts'
import type { SessionCookie } from './cookie.ts'

/** @returns null where nobody is signed in; that is never reuse */
export type ReadCookieSession = (ctx: Context) => Promise<PresentedSession | null>

/** How the session of a browser ended, where its cookie is still there. @returns null where there is nothing to tell */
export type ReadCookieEnd = (ctx: Context) => Promise<SessionEnd | null>

interface Dependencies {
  cookie: SessionCookie
  sessions: Pick<Sessions, 'findByRefreshToken' | 'findEnd'>
}

export const createReadCookieSession =
  ({ cookie, sessions }: Dependencies): ReadCookieSession =>
  async (ctx) => {
    const refreshToken = onlyToken(ctx, cookie)
    return refreshToken === null ? null : sessions.findByRefreshToken(refreshToken, 'cookie')
  }

export const createReadCookieEnd =
  ({ cookie, sessions }: Dependencies): ReadCookieEnd =>
  async (ctx) => {
    const refreshToken = onlyToken(ctx, cookie)
    return refreshToken === null ? null : sessions.findEnd(refreshToken, 'cookie')
  }

function onlyToken(ctx: Context, cookie: SessionCookie): string | null {
  const [refreshToken, ...others] = cookie.read(ctx)
  return refreshToken === undefined || others.length > 0 ? null : refreshToken
}
