/** `/v1/api-keys`: a person's own keys. Those of the service itself are made on the command line. */
import { z } from 'zod'
import type { ApiKey, ApiKeys } from '../api-keys/api-keys.ts'
import { hasServiceScope, isWithinScope, normalizeScope } from '../api-keys/scopes.ts'
import { Problem } from '../errors.ts'
import { displayText } from '../sessions/display-text.ts'
import { actorOf } from './actor.ts'
import { invalidMember, readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import { callerOf, type Context, type Handler } from './context.ts'

const NewKeyBody = z.strictObject({
  name: z.string().min(1).max(100),
  scope: z.string().max(1000).default(''),
  expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
})

export function apiKeyHandlers(deps: { apiKeys: ApiKeys; clientAddressOf: ClientAddressOf }): {
  list: Handler
  create: Handler
  revoke: Handler
} {
  const { apiKeys, clientAddressOf } = deps
  return {
    async list(ctx) {
      const keys = await apiKeys.list(callerOf(ctx).session.userId)
      ctx.body = { api_keys: keys.map(apiKeyJson) }
    },

    async create(ctx) {
      const body = await readJson(ctx, NewKeyBody)
      const { session, now } = callerOf(ctx)
      const wanted = {
        userId: session.userId,
        name: displayText(body.name, 100) ?? 'Unnamed',
        scope: scopeIn(ctx, body.scope),
        expiresAt: body.expires_at === null ? null : new Date(body.expires_at),
      }
      if (wanted.expiresAt !== null && wanted.expiresAt <= now) throw invalidMember('/expires_at', 'in_the_past')
      const created = await apiKeys.create(wanted, actorOf(ctx, clientAddressOf))
      if (created === null) {
        throw new Problem(400, 'invalid_request', 'You have as many keys as one may have. Revoke one first.', {
          extra: { errors: [{ pointer: '', code: 'too_many' }] },
        })
      }
      ctx.status = 201
      ctx.body = { ...apiKeyJson(created.apiKey), key: created.key }
    },

    async revoke(ctx) {
      const { id = '' } = ctx.params as { id?: string }
      const isKnown = await apiKeys.revoke(callerOf(ctx).session.userId, id, actorOf(ctx, clientAddressOf))
      if (!isKnown) throw new Problem(404, 'not_found', 'There is no such key among yours.')
      ctx.status = 204
    },
  }
}

/** A key never opens more than its maker may: nothing of this service, and nothing beyond the maker's own scope, where there is one. */
function scopeIn(ctx: Context, given: string): string {
  const scope = normalizeScope(given)
  if (scope === null) throw invalidMember('/scope', 'invalid_scope')
  const own = callerOf(ctx).claims.scope
  if (hasServiceScope(scope) || (own !== '' && !isWithinScope(scope, own))) {
    throw invalidMember('/scope', 'scope_not_allowed')
  }
  return scope
}

/** Never the key, nor its hash. */
const apiKeyJson = (apiKey: ApiKey): Record<string, unknown> => ({
  id: apiKey.id,
  name: apiKey.name,
  scope: apiKey.scope,
  hint: apiKey.hint,
  created_at: apiKey.createdAt,
  expires_at: apiKey.expiresAt,
  last_used_at: apiKey.lastUsedAt,
})
