/** Every way in which a token is not accepted: a stable code for the program, and what the caller is told. */

/** Stable: for logs, metrics and decisions of the API. The caller is told less, see `answer.ts`. */
export type RefusedCode =
  | 'token_missing'
  | 'token_malformed'
  | 'token_type'
  | 'token_algorithm'
  | 'token_issuer'
  | 'token_audience'
  | 'token_claims'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'key_unknown'
  | 'signature_invalid'
  /** The session is over. */
  | 'token_revoked'
  /** The session goes on, what the token says of it is outdated: refresh. */
  | 'token_stale'
  | 'insufficient_scope'
  | 'claim_refused'
  | 'insufficient_user_authentication'
  /** The token may well be good: the keys to check it cannot be had now. */
  | 'issuer_unreachable'
  /** The token may well be good: whether it was revoked cannot be known now. */
  | 'revocations_unknown'

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusedCode
  /** For `WWW-Authenticate` (RFC 6750 section 3, RFC 9470 section 3). */
  readonly challenge: Readonly<Record<string, string>>
  /** Seconds. */
  readonly retryAfter: number | null

  /** @param message for the API's log; it never quotes the token */
  constructor(
    code: RefusedCode,
    message: string,
    options: { challenge?: Readonly<Record<string, string>>; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.challenge = options.challenge ?? {}
    this.retryAfter = options.retryAfter ?? null
  }

  /** 401, 403, or 503 where nobody knows whether the token is good. */
  get status(): 401 | 403 | 503 {
    if (this.code === 'issuer_unreachable' || this.code === 'revocations_unknown') return 503
    return this.code === 'insufficient_scope' || this.code === 'claim_refused' ? 403 : 401
  }
}
