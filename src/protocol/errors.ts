/** Every stable code and reason that travels between the faces. */

/** `code` of a problem under `/v1`. */
export type ProblemCode =
  | 'invalid_request'
  | 'weak_password'
  | 'invalid_token'
  | 'invalid_client'
  | 'invalid_credentials'
  | 'invalid_access_token'
  | 'insufficient_user_authentication'
  | 'insufficient_scope'
  | 'origin_not_allowed'
  | 'session_limit'
  | 'not_found'
  | 'already_exists'
  | 'session_ended'
  | 'not_revivable'
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'internal_error'
  | 'temporarily_unavailable'

/** `error` under `/oauth` (RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 7009 section 2.2.1). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'origin_not_allowed'
  | 'rate_limited'
  | 'server_error'
  | 'temporarily_unavailable'

/** Why a session was ended. */
export type RevocationReason =
  | 'signed_out'
  | 'revoked_by_user'
  | 'revoked_by_admin'
  | 'password_changed'
  | 'password_reset'
  | 'email_changed'
  | 'account_disabled'
  | 'account_deleted'
  | 'token_reuse'
  | 'not_me'
  | 'session_limit'
  | 'replaced'
  | `policy:${string}`

/** `reason` of a refused refresh. */
export type RefusalReason =
  | 'no_token'
  | 'malformed'
  | 'unknown_session'
  | 'wrong_client'
  | 'wrong_transport'
  | 'expired_idle'
  | 'expired_absolute'
  | 'unknown_key'
  | 'insufficient_user_authentication'
  | RevocationReason
