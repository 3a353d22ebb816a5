/** The refresh token of a request: in the body or in the cookie, never both. */
import type { Transport } from '../sessions/session.ts'
import type { SessionCookie } from './cookie.ts'
import type { Context } from './context.ts'
import type { DemandOwnOrigin } from './origin.ts'

export interface PresentedToken {
  readonly refreshToken: string
  readonly transport: Transport
}

/** Two credentials in one request are nobody's intention (RFC 6749 section 5.2): the caller is told so. */
export type ReadPresentedToken = (ctx: Context, fromBody: string | undefined) => PresentedToken | 'none' | 'ambiguous'

/** With the cookie, only for an allowed origin. */
export const createReadPresentedToken =
  ({ cookie, demandOwnOrigin }: { cookie: SessionCookie; demandOwnOrigin: DemandOwnOrigin }): ReadPresentedToken =>
  (ctx, fromBody) => {
    const fromCookie = cookie.read(ctx)
    if (fromCookie.length > 1 || (fromCookie.length === 1 && fromBody !== undefined)) return 'ambiguous'
    if (fromBody !== undefined) return { refreshToken: fromBody, transport: 'body' }
    const [refreshToken] = fromCookie
    if (refreshToken === undefined) return 'none'
    demandOwnOrigin(ctx)
    return { refreshToken, transport: 'cookie' }
  }
