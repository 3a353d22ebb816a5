/** For Fastify: `fastify.get('/orders', { onRequest: requireToken(verifier, { guards: [requireScope('orders')] }) }, ...)`. */
export type {} from 'fastify' // what is declared below adds to it, and so has to be found
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf, type NodeRequest } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** After `requireToken`. */
    accessToken: AccessTokenClaims
  }
}

/** What a hook needs, whatever the route has declared to take and to answer. */
interface Request {
  readonly raw: NodeRequest
  accessToken: AccessTokenClaims
}
interface Reply {
  code(status: number): Reply
  headers(headers: Readonly<Record<string, string>>): Reply
  send(body: never): unknown
}

/**
 * Lets requests with a good token pass, its claims in `request.accessToken`; answers the others. As `onRequest`
 * it refuses before a body is read.
 */
export const requireToken =
  (verifier: Verifier, options: VerifyOptions = {}) =>
  async (request: Request, reply: Reply): Promise<unknown> => {
    try {
      return void (request.accessToken = await verifier.verify(authorizationOf(request.raw), options))
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      reply.code(status).headers(headers)
      return reply.send(body as never)
    }
  }
