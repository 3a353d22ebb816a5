import type { Logger } from 'pino'
import { Unavailable } from '../../errors.ts'
import type { Handler } from '../context.ts'

/**
 * One line per request: the route's template, never the URL, whose query and path may hold what is
 * nobody's business; no header, no body.
 */
export function logRequest(log: Logger): Handler {
  // All its fields are named below; the net would cost more than the line.
  const lines = log.child({}, { redact: [] })
  return async (ctx, next) => {
    const start = performance.now()
    await next()
    const line = {
      method: ctx.method,
      route: ctx.routerPath ?? 'none',
      status: ctx.status,
      ms: Math.round((performance.now() - start) * 10) / 10,
      session_id: ctx.state.sessionId,
      user_id: ctx.state.userId,
    }
    const { failure } = ctx.state
    if (failure === undefined || ctx.status < 500) lines.info(line, 'request')
    else lines.error({ ...line, ...describeFailure(failure) }, 'request failed')
  }
}

/** A driver's error may quote the row it stumbled over: its class, code and place are enough to go on. */
export function describeFailure(failure: unknown): Record<string, unknown> {
  const cause = failure instanceof Unavailable ? (failure.cause ?? failure) : failure
  if (!(cause instanceof Error)) return { failure: typeof cause }
  return {
    failure: cause.name,
    code: 'code' in cause ? cause.code : undefined,
    reason: cause instanceof Unavailable ? cause.message : undefined,
    at: cause.stack
      ?.split('\n')
      .filter((line) => line.trimStart().startsWith('at '))
      .slice(0, 8),
  }
}
