/** Every error becomes an answer here, in the form its endpoint speaks, and a word for the log. */
import type { OAuthErrorCode, ProblemCode } from '../../../protocol/errors.ts'
import { OAuthError, Problem, RateLimited, Unavailable } from '../../errors.ts'
import { STATUS_CODES } from '../../node-http.ts'
import { SessionLimitReached } from '../../sessions/client-limit.ts'
import type { Context, Handler } from '../context.ts'
import { sessionLimit } from '../problems.ts'

export const answerErrors: Handler = async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    ctx.state.failure = error
    if (ctx.path.startsWith('/oauth/')) answerOAuth(ctx, error)
    else answerProblem(ctx, error)
  }
}

/** RFC 9457. */
function answerProblem(ctx: Context, error: unknown): void {
  const problem = toProblem(error)
  ctx.status = problem.status
  ctx.set(problem.headers)
  ctx.body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ...problem.extra,
  })
  ctx.type = 'application/problem+json'
}

/** Whatever was thrown, as the outside may see it. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof RateLimited) return toTooMany(error)
  if (error instanceof SessionLimitReached) return sessionLimit(error)
  if (error instanceof Unavailable) {
    return new Problem(
      503,
      'temporarily_unavailable',
      'The service cannot answer now. Send the same request again in a moment.',
      {
        headers: { 'Retry-After': String(error.retryAfter) },
      },
    )
  }
  return new Problem(500, 'internal_error', 'Something went wrong on our side. It is in the log of this service.')
}

/** One form for every limit, with the fields of draft-ietf-httpapi-ratelimit-headers. */
function toTooMany({ policy, quota, window, retryAfter }: RateLimited): Problem {
  const wait = retryAfter === 1 ? 'a second' : `${retryAfter} seconds`
  return new Problem(
    429,
    'rate_limited',
    `This was asked too often. Nothing was used up: wait ${wait}, then send the same request again.`,
    {
      headers: {
        'Retry-After': String(retryAfter),
        'RateLimit-Policy': `"${policy}";q=${quota};w=${window}`,
        RateLimit: `"${policy}";r=0;t=${retryAfter}`,
      },
    },
  )
}

/** RFC 6749 section 5.2. */
function answerOAuth(ctx: Context, error: unknown): void {
  if (error instanceof OAuthError) {
    ctx.status = error.status
    ctx.set(error.headers)
    ctx.body = { error: error.code, error_description: error.message, ...error.extra }
    return
  }
  const problem = toProblem(error)
  ctx.status = problem.status
  ctx.set(problem.headers)
  ctx.body = { error: OAUTH_CODES[problem.code] ?? 'invalid_request', error_description: problem.message }
}

const OAUTH_CODES: Partial<Record<ProblemCode, OAuthErrorCode>> = {
  invalid_access_token: 'invalid_token',
  insufficient_scope: 'insufficient_scope',
  rate_limited: 'rate_limited',
  temporarily_unavailable: 'temporarily_unavailable',
  internal_error: 'server_error',
  origin_not_allowed: 'origin_not_allowed',
}
