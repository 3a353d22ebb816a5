/** Tokens as they leave: the refresh token in the body or in the cookie, by the session's transport alone. */
import type { IssuedTokens } from '../sessions/token-issuance.ts'
import type { Transport } from '../sessions/session.ts'
import type { SessionCookie } from './cookie.ts'
import type { Context } from './context.ts'

export interface TokenJson {
  access_token: string
  token_type: 'Bearer'
  /** Seconds. */
  expires_in: number
  refresh_token?: string
  refresh_expires_in: number
}

export function tokenJson(ctx: Context, cookie: SessionCookie, transport: Transport, tokens: IssuedTokens): TokenJson {
  if (transport === 'cookie') {
    cookie.set(ctx, tokens.refreshToken, tokens.persistent ? tokens.refreshExpiresIn : null)
  }
  return {
    access_token: tokens.accessToken,
    token_type: 'Bearer',
    expires_in: tokens.expiresIn,
    ...(transport === 'body' ? { refresh_token: tokens.refreshToken } : {}),
    refresh_expires_in: tokens.refreshExpiresIn,
  }
}
