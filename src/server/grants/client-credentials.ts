import { isTokenOver, type ApiKeys } from '../api-keys/api-keys.ts'
import { isWithinScope, normalizeScope } from '../api-keys/scopes.ts'
import { OAuthError, Unavailable } from '../errors.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { toSeconds } from '../tokens/numeric-date.ts'
import type { Grant } from './grant.ts'

/**
 * RFC 6749 section 4.4: an API key, by HTTP Basic, for a short-lived access token. Its `sid` is the key's
 * id, so that the feed of revocations reaches it; `sub` is the key's owner, or the key itself.
 */
export const clientCredentials = (deps: { apiKeys: ApiKeys; accessTokens: AccessTokens }): Grant => ({
  type: 'client_credentials',
  parameters: ['scope'],
  async authorize({ parameters, clientCredential }) {
    const { apiKeys, accessTokens } = deps
    const live = clientCredential && (await apiKeys.authenticate(clientCredential.id, clientCredential.secret))
    if (live === null) {
      throw new OAuthError('invalid_client', 'Send id and key of an API key that is in force, by HTTP Basic.', {
        status: 401,
        headers: { 'WWW-Authenticate': 'Basic realm="hallpass", charset="UTF-8"' },
      })
    }
    const { apiKey, now } = live
    // It would be refused wherever it is shown: its iat is the second in which the tokens before it ended.
    if (isTokenOver(apiKey, toSeconds(now))) throw new Unavailable('tokens of this key ended just now')
    const scope = normalizeScope(parameters.get('scope') ?? apiKey.scope)
    if (scope === null || !isWithinScope(scope, apiKey.scope)) {
      throw new OAuthError('invalid_scope', 'This key does not have the scope that was asked for.')
    }
    const { accessToken, expiresIn } = await accessTokens.issue({
      userId: apiKey.userId ?? apiKey.id,
      sessionId: apiKey.id,
      clientId: apiKey.id,
      scope,
      amr: ['key'],
      claims: {},
      authenticatedAt: now,
      now,
      endsAt: apiKey.expiresAt ?? new Date(8.64e15),
    })
    return { kind: 'access_token', accessToken, expiresIn, scope, keyId: apiKey.id }
  },
})
