/**
 * What can go wrong, for three audiences: a public code and description, and a private cause for the
 * log. Whatever is thrown and is none of these is a bug, and answered 500 without a word about it.
 */
import type { OAuthErrorCode, ProblemCode, RefusalReason } from '../protocol/errors.ts'

/** Refusal under `/v1`: RFC 9457 `application/problem+json`. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: ProblemCode
  readonly extra: Record<string, unknown>
  readonly headers: Record<string, string>

  constructor(
    status: number,
    code: ProblemCode,
    detail: string,
    options: { extra?: Record<string, unknown>; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.status = status
    this.code = code
    this.extra = options.extra ?? {}
    this.headers = options.headers ?? {}
  }
}

/** Refusal under `/oauth`: RFC 6749 section 5.2. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly status: number
  readonly code: OAuthErrorCode
  readonly extra: Record<string, unknown>
  readonly headers: Record<string, string>

  constructor(
    code: OAuthErrorCode,
    description: string,
    options: {
      status?: number
      extra?: Record<string, unknown>
      headers?: Record<string, string>
      cause?: unknown
    } = {},
  ) {
    super(description, { cause: options.cause })
    this.status = options.status ?? 400
    this.code = code
    this.extra = options.extra ?? {}
    this.headers = options.headers ?? {}
  }
}

/**
 * A refresh that is refused; `terminal` tells the client whether to drop its token (docs/http.md).
 * @param more members of the answer
 */
export const refreshRefused = (
  reason: RefusalReason,
  description: string,
  terminal: boolean,
  more: Readonly<Record<string, unknown>> = {},
): OAuthError => new OAuthError('invalid_grant', description, { extra: { reason, terminal, ...more } })

/** Too often: 429. Nothing was decided, evaluated or used up. */
export class RateLimited extends Error {
  override readonly name = 'RateLimited'
  /** The limit's name, quota and window (seconds), as in docs/http.md. */
  readonly policy: string
  readonly quota: number
  readonly window: number
  /** Whole seconds, at least 1. */
  readonly retryAfter: number

  constructor(options: { policy: string; quota: number; window: number; retryAfter: number }) {
    super(`the limit ${options.policy} was reached`)
    this.policy = options.policy
    this.quota = options.quota
    this.window = options.window
    this.retryAfter = options.retryAfter
  }
}

/** The service cannot answer now and nothing was consumed: 503 with `Retry-After` (whole seconds). */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  readonly retryAfter: number

  constructor(message: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.retryAfter = options.retryAfter ?? 1
  }
}

/** All that a log may say of an error of somebody else's: its text may quote what it stumbled over. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)
