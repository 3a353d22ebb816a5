/** What verifiers and clients read once: keys and metadata. Built from the configuration, never from a Host. */
import { paths } from '../../protocol/paths.ts'
import type { Grant } from '../grants/grant.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import type { Context, Handler } from './context.ts'
import { entityTag, isAnsweredByTag } from './entity-tag.ts'

/** Seconds; a key is published at least twice as long before it signs. */
const MAX_AGE = 300

export function metadataHandlers(deps: { issuer: string; keys: SigningKeys; grants: readonly Grant[] }): {
  jwks: Handler
  metadata: Handler
} {
  const { issuer, keys, grants } = deps
  /** RFC 8414. */
  const document = {
    issuer,
    token_endpoint: issuer + paths.token,
    revocation_endpoint: issuer + paths.revoke,
    introspection_endpoint: issuer + paths.introspect,
    jwks_uri: issuer + paths.jwks,
    grant_types_supported: grants.map(({ type }) => type),
    response_types_supported: [],
    // `none` to refresh, `client_secret_basic` for an API key.
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    revocation_endpoint_auth_methods_supported: ['none'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
  }
  return {
    jwks: (ctx) => answerCacheable(ctx, keys.jwks()),
    metadata: (ctx) => answerCacheable(ctx, document),
  }
}

function answerCacheable(ctx: Context, document: object): void {
  const body = JSON.stringify(document)
  ctx.set('Cache-Control', `public, max-age=${MAX_AGE}`)
  // An allowed origin was answered by name already, which is what a request with credentials needs.
  if (!ctx.response.get('Access-Control-Allow-Origin')) ctx.set('Access-Control-Allow-Origin', '*')
  ctx.set('Cross-Origin-Resource-Policy', 'cross-origin')
  if (isAnsweredByTag(ctx, `"${entityTag(body)}"`)) return
  ctx.type = 'application/json'
  ctx.body = body
}
