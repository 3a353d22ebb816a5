/** For Koa: `router.get('/orders', requireToken(verifier, { guards: [requireScope('orders')] }), ...)`. */
import type { Middleware } from 'koa'
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

export interface TokenState {
  accessToken: AccessTokenClaims
}

/** Lets requests with a good token pass, its claims in `ctx.state.accessToken`; answers the others. */
export const requireToken =
  (verifier: Verifier, options: VerifyOptions = {}): Middleware<TokenState> =>
  async (ctx, next) => {
    try {
      ctx.state.accessToken = await verifier.verify(authorizationOf(ctx.req), options)
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      ctx.status = status
      ctx.set(headers)
      ctx.body = body
      return
    }
    await next()
  }
