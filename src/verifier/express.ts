/** For Express: `app.get('/orders', requireToken(verifier, { guards: [requireScope('orders')] }), ...)`. */
import type { RequestHandler } from 'express'
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

export interface TokenLocals extends Record<string, unknown> {
  accessToken: AccessTokenClaims
}

/** Lets requests with a good token pass, its claims in `response.locals.accessToken`; answers the others. */
export const requireToken =
  <Params, Answer, Body, Query>(
    verifier: Verifier,
    options: VerifyOptions = {},
  ): RequestHandler<Params, Answer, Body, Query, TokenLocals> =>
  async (request, response, next) => {
    try {
      response.locals.accessToken = await verifier.verify(authorizationOf(request), options)
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      response.writeHead(status, headers).end(body)
      return
    }
    next()
  }
