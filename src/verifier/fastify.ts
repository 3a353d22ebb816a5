/** For Fastify: `fastify.get('/orders', { onRequest: requireToken(verifier, { guards: [requireScope('orders')] }) }, ...)`. */
import type { onRequestAsyncHookHandler } from 'fastify'
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { authorizationOf } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** After `requireToken`. */
    accessToken: AccessTokenClaims
  }
}

/**
 * Lets requests with a good token pass, its claims in `request.accessToken`; answers the others. As `onRequest`
 * it refuses before a body is read.
 */
export const requireToken =
  (verifier: Verifier, options: VerifyOptions = {}): onRequestAsyncHookHandler =>
  async (request, reply) => {
    try {
      request.accessToken = await verifier.verify(authorizationOf(request.raw), options)
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      return reply.code(status).headers(headers).send(body)
    }
  }
