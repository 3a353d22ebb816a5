/** For Hono: `app.get('/orders', requireToken(verifier, { guards: [requireScope('orders')] }), ...)`. */
import type { MiddlewareHandler } from 'hono'
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { bearerOf } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

export interface TokenEnv {
  Variables: { accessToken: AccessTokenClaims }
}

/** Lets requests with a good token pass, its claims in `c.var.accessToken`; answers the others. */
export const requireToken =
  (verifier: Verifier, options: VerifyOptions = {}): MiddlewareHandler<TokenEnv> =>
  async (c, next) => {
    try {
      c.set('accessToken', await verifier.verify(bearerOf(c.req.header('authorization')), options))
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      return c.body(body, status, headers) // with what c.header() said before
    }
    await next()
  }
