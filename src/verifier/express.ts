/** For Express: `app.get('/orders', requireToken(verifier, { guards: [requireScope('orders')] }), ...)`. */
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf, type NodeRequest } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

declare global {
  namespace Express {
    interface Locals {
      /** After `requireToken`. */
      accessToken: AccessTokenClaims
    }
  }
}

/** What a handler needs of a request and a response, whatever the route says of its own. */
interface Response {
  locals: Pick<Express.Locals, 'accessToken'>
  writeHead(status: number, headers: Readonly<Record<string, string>>): { end(body: string): unknown }
}

/** Lets requests with a good token pass, its claims in `response.locals.accessToken`; answers the others. */
export const requireToken =
  (verifier: Verifier, options: VerifyOptions = {}) =>
  async (request: NodeRequest, response: Response, next: () => void): Promise<void> => {
    try {
      response.locals.accessToken = await verifier.verify(authorizationOf(request), options)
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      response.writeHead(status, headers).end(body)
      return
    }
    next()
  }
