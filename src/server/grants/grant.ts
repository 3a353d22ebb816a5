/**
 * A way to get tokens at `POST /oauth/token`. The endpoint does what all share: the form, the declared
 * parameters, the transport, the answer. A grant is only its difference.
 */
import type { IssuedTokens } from '../sessions/token-issuance.ts'
import type { Transport } from '../sessions/session.ts'

export interface GrantRequest {
  /** The declared parameters that were sent. */
  readonly parameters: ReadonlyMap<string, string>
  readonly clientId: string | null
  readonly ip: string | null
  readonly idempotencyKey: string | null
  /** The refresh token and how it came, from the body or the cookie; null where there is none. */
  readonly presented: { readonly refreshToken: string; readonly transport: Transport } | null
}

export interface Grant {
  /** `grant_type`. */
  readonly type: string
  /** What it reads besides `grant_type` and `client_id`; nothing else reaches it. */
  readonly parameters: readonly string[]
  /** @throws {OAuthError} */
  authorize(request: GrantRequest): Promise<{ tokens: IssuedTokens; transport: Transport }>
}
