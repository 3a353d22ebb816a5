import type { ApiKey, ApiKeys } from '../../api-keys/api-keys.ts'
import { hasScope, type ServiceScope } from '../../api-keys/scopes.ts'
import { OAuthError, Problem } from '../../errors.ts'
import type { AccessTokens } from '../../tokens/access-token.ts'
import { basicCredential } from '../basic-credential.ts'
import type { Context, Handler } from '../context.ts'
import { bearerToken, invalidAccessToken } from './require-session.ts'

interface ScopeDependencies {
  apiKeys: ApiKeys
  accessTokens: AccessTokens
}

/** For programs: a key of that scope by HTTP Basic, or an access token that was made with one. */
export const requireScope =
  (deps: ScopeDependencies, scope: ServiceScope): Handler =>
  async (ctx, next) => {
    const { apiKey, scope: granted, expiresAt } = await authenticate(ctx, deps)
    ctx.state.sessionId = apiKey.id
    ctx.state.callingKey = { id: apiKey.id, expiresAt }
    if (!hasScope(granted, scope) || !hasScope(apiKey.scope, scope)) throw insufficientScope(scope)
    await next()
  }

/** @throws {Problem | OAuthError} 401 */
async function authenticate(
  ctx: Context,
  { apiKeys, accessTokens }: ScopeDependencies,
): Promise<{ apiKey: ApiKey; scope: string; expiresAt: number | null }> {
  if (/^Basic /i.test(ctx.get('authorization'))) {
    const credential = basicCredential(ctx)
    const live = credential && (await apiKeys.authenticate(credential.id, credential.secret))
    if (live === null) throw invalidKey(ctx)
    return { apiKey: live.apiKey, scope: live.apiKey.scope, expiresAt: live.apiKey.expiresAt?.getTime() ?? null }
  }
  const claims = await accessTokens.verify(bearerToken(ctx))
  const live = claims?.amr.includes('key') ? await apiKeys.findLive(claims.sid, claims.iat) : null
  if (claims === null || live === null) throw invalidAccessToken()
  return { apiKey: live.apiKey, scope: claims.scope, expiresAt: claims.exp * 1000 }
}

function invalidKey(ctx: Context): Error {
  const detail = 'This API key is not valid. Send the id and the key by HTTP Basic.'
  const headers = { 'WWW-Authenticate': 'Basic realm="hallpass", charset="UTF-8"' }
  // RFC 7662 section 2.3: at introspection it is a client that was not authenticated (RFC 6749 section 5.2).
  if (ctx.path.startsWith('/oauth/')) return new OAuthError('invalid_client', detail, { status: 401, headers })
  return new Problem(401, 'invalid_access_token', detail, { headers })
}

/** RFC 6750 section 3.1. */
const insufficientScope = (scope: ServiceScope): Problem =>
  new Problem(403, 'insufficient_scope', `This needs a key of the scope ${scope}: hallpass api-keys create --scope.`, {
    headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  })
