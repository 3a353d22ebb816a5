/**
 * A way to get tokens at `POST /oauth/token`. The endpoint does what all share: the form, the declared
 * parameters, the transport, the answer. A grant is only its difference.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { IssuedTokens } from '../sessions/token-issuance.ts'
import type { Transport } from '../sessions/session.ts'

export interface GrantRequest {
  /** The declared parameters that were sent. */
  readonly parameters: ReadonlyMap<string, string>
  readonly clientId: string | null
  readonly ip: string | null
  readonly headers: IncomingHttpHeaders
  readonly idempotencyKey: string | null
  /** The refresh token and how it came, from the body or the cookie; null where there is none. */
  readonly presented: { readonly refreshToken: string; readonly transport: Transport } | null
  /** Of HTTP Basic (RFC 6749 section 2.3.1); null where none was sent. */
  readonly clientCredential: { readonly id: string; readonly secret: string } | null
}

/** What was granted: tokens of a session, or an access token alone, in the name of an API key. */
export type Granted =
  | {
      readonly kind: 'session'
      readonly tokens: IssuedTokens
      readonly transport: Transport
      /** RFC 8693 section 2.2.1, after an exchange. */
      readonly issuedTokenType?: string
    }
  | {
      readonly kind: 'access_token'
      readonly accessToken: string
      /** Seconds. */
      readonly expiresIn: number
      readonly scope: string
      readonly keyId: string
    }

export interface Grant {
  /** `grant_type`. */
  readonly type: string
  /** What it reads besides `grant_type` and `client_id`; nothing else reaches it. */
  readonly parameters: readonly string[]
  /** @throws {OAuthError} */
  authorize(request: GrantRequest): Promise<Granted>
}
