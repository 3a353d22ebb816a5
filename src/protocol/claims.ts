/** The claims of an access token (RFC 9068 section 2.2). Times are seconds since 1970. */
export interface AccessTokenClaims {
  readonly iss: string
  /** The user. */
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  /** The session, which is what a revocation names. */
  readonly sid: string
  /** When the person last proved who they are. */
  readonly auth_time: number
  /** How: `pwd`, `otp` (magic link), `key` (API key), or what the application said (RFC 8176). */
  readonly amr: readonly string[]
  readonly scope: string
  /** The user's own claims, set by an administrator. */
  readonly [claim: string]: unknown
}

/** `typ` of every access token (RFC 9068 section 2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'
