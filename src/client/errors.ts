/** Whatever the client cannot do, and why. */

/**
 * `code` is stable: one of the service's (docs/http.md), or of the client itself: `signed_out`,
 * `unavailable` (no answer, or none that can be understood: nothing was decided), `storage_failed`, `superseded`
 * (another sign-in or a sign-out came after this one).
 */
export class HallpassError extends Error {
  override readonly name = 'HallpassError'

  readonly code: string
  /** Everything that the answer said: `errors` of a weak password, `reason` of a refusal. */
  readonly details: { readonly [name: string]: unknown }
  /** Of the answer; 0 where there was none. */
  readonly status: number
  /** When to come again, where it is known. Seconds. */
  readonly retryAfter: number | undefined

  constructor(code: string, message: string, details = {}, status = 0, retryAfter?: number, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.details = details
    this.status = status
    this.retryAfter = retryAfter
  }
}

export const unavailable = (cause?: unknown): HallpassError =>
  new HallpassError('unavailable', 'No answer: try again later', {}, 0, undefined, cause)

export const toError = (error: unknown): HallpassError => (error instanceof HallpassError ? error : unavailable(error))
