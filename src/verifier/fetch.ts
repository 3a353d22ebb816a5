/** For whatever answers a `Request` with a `Response`: Deno, Bun, workers, Next.js route handlers. */
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { bearerOf } from './authorization.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

/** Calls `handle` with the claims where the token is good, and answers otherwise. What else comes is handed on. */
export const withToken =
  <Rest extends unknown[]>(
    verifier: Verifier,
    handle: (request: Request, token: AccessTokenClaims, ...rest: Rest) => Response | Promise<Response>,
    options: VerifyOptions = {},
  ): ((request: Request, ...rest: Rest) => Promise<Response>) =>
  async (request, ...rest) => {
    let token: AccessTokenClaims
    try {
      token = await verifier.verify(bearerOf(request.headers.get('authorization')), options)
    } catch (error) {
      const { status, headers, body } = verifier.answer(error)
      return new Response(body, { status, headers })
    }
    return handle(request, token, ...rest)
  }
