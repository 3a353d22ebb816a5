/** Whatever the client cannot do, and why. */

import type { End } from './state.ts'

/** What an answer said, or a state. */
export interface Details {
  readonly reason?: string | null
  /** It is over for good: nothing but a new sign-in helps. */
  readonly terminal?: boolean
  readonly [name: string]: unknown
}

/**
 * `code` is stable: one of the service's (docs/http.md), or of the client itself: `signed_out`,
 * `unavailable` (no answer, or none that can be understood: nothing was decided), `storage_failed`, `superseded`
 * (another sign-in or a sign-out came after this one).
 */
export class HallpassError extends Error {
  declare readonly code: string
  /** Everything that the answer said: `errors` of a weak password, `reason` of a refusal. */
  declare readonly details: Details
  /** Of the answer; 0 where there was none. */
  declare readonly status: number
  /** When to come again, where it is known. Seconds. */
  declare readonly retryAfter: number | undefined

  /** The words for it are those of the service, or else its code: docs/client.md says what to do. */
  constructor(code: string, cause?: unknown, details: Details = {}, message = code, status = 0, retryAfter?: number) {
    super(message, { cause })
    Object.assign(this, { name: 'HallpassError', code, details, status, retryAfter })
  }
}

export const unavailable = (cause?: unknown): HallpassError => new HallpassError('unavailable', cause)

export const toError = (error: unknown): HallpassError => (error instanceof HallpassError ? error : unavailable(error))

export const isTerminal = ({ details }: HallpassError): boolean => details.terminal === true

/** What a refusal says of the session that was here; of none, where nobody was signed in. */
export const endIn = ({ details, message }: HallpassError): End =>
  details.reason === 'no_token' ? NOBODY : { reason: details.reason ?? null, message, details }

export const NOBODY: End = { reason: null }
