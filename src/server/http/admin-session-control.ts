/** `/v1/admin/sessions` for operators: everybody's sessions, found, counted, changed and ended. */
import { validate as isUuid } from 'uuid'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { displayText } from '../sessions/display-text.ts'
import type { SessionPredicate } from '../sessions/predicate.ts'
import type { StatusFilter } from '../sessions/reading.ts'
import type { SessionUpdate } from '../sessions/session-update.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { operatorOf } from './actor.ts'
import { readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import { asSessionProblem } from './problems.ts'
import { readQuery } from './query.ts'
import { fullSessionJson } from './session-json.ts'

const Time = z.iso.datetime({ offset: true })

const PREDICATE = {
  user_id: z.string().optional(),
  client_id: z.string().optional(),
  platform: z.string().optional(),
  app: z.string().optional(),
  app_version_below: z.string().optional(),
  country: z.string().optional(),
  ip: z.string().optional(),
  created_before: Time.optional(),
  method: z.string().optional(),
}
const SearchQuery = z.strictObject({
  ...PREDICATE,
  status: z.enum(['active', 'expired', 'revoked', 'all'] satisfies StatusFilter[]).default('active'),
  cursor: z.string().optional(),
  count: z.literal('true').optional(),
})
const EndManyQuery = z.strictObject({ ...PREDICATE, dry_run: z.literal('true').optional() })

const UpdateBody = z.strictObject({
  expires_at: Time.optional(),
  idle_expires_at: Time.optional(),
  idle_ttl: z.number().int().nullable().optional(),
  expired: z.literal(true).optional(),
  revoked: z.literal(false).optional(),
  pinned: z.boolean().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
  device_name: z.string().max(100).nullable().optional(),
})

export interface AdminSessionHandlers {
  search: Handler
  endMany: Handler
  one: Handler
  change: Handler
  end: Handler
}

export function adminSessionHandlers(deps: {
  sessions: Sessions
  clientAddressOf: ClientAddressOf
}): AdminSessionHandlers {
  const { sessions, clientAddressOf } = deps
  const actor = (ctx: Context) => operatorOf(ctx, clientAddressOf)

  return {
    async search(ctx) {
      const { status, cursor, count, ...query } = readQuery(ctx, SearchQuery)
      const predicate = predicateIn(query)
      if (count !== undefined) {
        ctx.body = { count: await sessions.count(predicate, status).catch(asSessionProblem) }
        return
      }
      const page = await sessions.search(predicate, status, cursor).catch(asSessionProblem)
      ctx.body = { sessions: page.sessions.map(fullSessionJson), cursor: page.cursor }
    },

    async endMany(ctx) {
      const { dry_run: dryRun, ...query } = readQuery(ctx, EndManyQuery)
      const predicate = predicateIn(query)
      if (Object.keys(query).length === 0) throw noPredicate()
      ctx.body =
        dryRun === undefined
          ? { revoked: await sessions.revokeWhere(predicate, 'revoked_by_admin', actor(ctx)).catch(asSessionProblem) }
          : { would_revoke: await sessions.count(predicate, 'active').catch(asSessionProblem) }
    },

    async one(ctx) {
      const { userId, id } = idsIn(ctx)
      const session = await sessions.findInFull(userId, id)
      if (session === null) throw notFound()
      ctx.body = fullSessionJson(session)
    },

    async change(ctx) {
      const { userId, id } = idsIn(ctx)
      const update = updateIn(await readJson(ctx, UpdateBody))
      const session = await sessions.update(userId, id, update, actor(ctx)).catch(asSessionProblem)
      if (session === null) throw notFound()
      ctx.body = fullSessionJson(session)
    },

    async end(ctx) {
      const { userId, id } = idsIn(ctx)
      if (!(await sessions.revoke(userId, id, 'revoked_by_admin', actor(ctx)))) throw notFound()
      ctx.status = 204
    },
  }
}

const predicateIn = (query: z.infer<z.ZodObject<typeof PREDICATE>>): SessionPredicate => ({
  userId: query.user_id,
  clientId: query.client_id,
  platform: query.platform,
  app: query.app,
  appVersionBelow: query.app_version_below,
  country: query.country,
  ip: query.ip,
  createdBefore: timeIn(query.created_before),
  method: query.method,
})

const updateIn = (body: z.infer<typeof UpdateBody>): SessionUpdate => ({
  expiresAt: timeIn(body.expires_at),
  idleExpiresAt: timeIn(body.idle_expires_at),
  idleTtl: body.idle_ttl,
  expired: body.expired,
  revived: body.revoked === undefined ? undefined : true,
  pinned: body.pinned,
  data: body.data,
  claims: body.claims,
  deviceName: body.device_name === undefined ? undefined : displayText(body.device_name, 100),
})

const timeIn = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text))

/** What is no id names no session. */
function idsIn(ctx: Context): { userId: string; id: string } {
  const { userId = '', id = '' } = ctx.params as { userId?: string; id?: string }
  if (!isUuid(userId) || !isUuid(id)) throw notFound()
  return { userId, id }
}

const notFound = (): Problem => new Problem(404, 'not_found', 'There is no such session.')

const noPredicate = (): Problem =>
  new Problem(
    400,
    'invalid_request',
    'Say which sessions: client_id, platform, country, ... Those of everybody end by: hallpass sessions revoke --all.',
  )
