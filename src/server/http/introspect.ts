/** `POST /oauth/introspect` (RFC 7662): whether a token is in force now, by its row. Nothing is rotated, extended or counted as reuse. */
import type { ApiKeys } from '../api-keys/api-keys.ts'
import { OAuthError } from '../errors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { toSeconds } from '../tokens/numeric-date.ts'
import { readForm } from './body.ts'
import type { Handler } from './context.ts'

type Introspection = Record<string, unknown> | null

export const introspect = (deps: {
  issuer: string
  apiKeys: ApiKeys
  sessions: Sessions
  accessTokens: AccessTokens
}): Handler => {
  const { issuer, apiKeys, sessions, accessTokens } = deps

  async function accessToken(token: string): Promise<Introspection> {
    const claims = await accessTokens.verify(token)
    if (claims === null) return null
    const isOfKey = claims.amr.includes('key')
    const live = isOfKey
      ? await apiKeys.findLive(claims.sid, claims.iat)
      : await sessions.findLive(claims.sub, claims.sid, claims.iat)
    return live && { ...claims, token_type: 'Bearer' }
  }

  async function refreshToken(token: string): Promise<Introspection> {
    const live =
      (await sessions.findByRefreshToken(token, 'body')) ?? (await sessions.findByRefreshToken(token, 'cookie'))
    // A predecessor is answered for a while (docs/refresh.md), to a device; to ask about it is to be told it is over.
    if (live === null || !live.isNewest) return null
    const { id, userId, clientId, createdAt, idleExpiresAt, expiresAt, amr } = live.session
    return {
      iss: issuer,
      sub: userId,
      client_id: clientId,
      sid: id,
      iat: toSeconds(createdAt),
      exp: toSeconds(idleExpiresAt < expiresAt ? idleExpiresAt : expiresAt),
      amr,
    }
  }

  /** A key as it is, not exchanged for a token. */
  async function apiKey(token: string): Promise<Introspection> {
    const live = await apiKeys.findByKey(token)
    if (live === null) return null
    const { id, userId, scope, createdAt, expiresAt } = live.apiKey
    return {
      iss: issuer,
      sub: userId ?? id,
      client_id: id,
      sid: id,
      scope,
      iat: toSeconds(createdAt),
      ...(expiresAt === null ? {} : { exp: toSeconds(expiresAt) }),
      amr: ['key'],
    }
  }

  function look(token: string): Promise<Introspection> {
    if (token.startsWith('hprt_')) return refreshToken(token)
    return token.startsWith('hpak_') ? apiKey(token) : accessToken(token)
  }

  return async (ctx) => {
    const token = (await readForm(ctx)).get('token')
    if (token === undefined) throw new OAuthError('invalid_request', 'Send token.')
    const found = await look(token)
    // Section 2.2: of what is not active nothing more is said.
    ctx.body = found === null ? { active: false } : { active: true, ...found }
  }
}
