/** `/v1/sessions` for the person they belong to: list, one, rename, end. Signing in is in sign-in.ts. */
import { validate as isUuid } from 'uuid'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { Actor } from '../sessions/actor.ts'
import type { StatusFilter } from '../sessions/reading.ts'
import { displayText } from '../sessions/display-text.ts'
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { actorOf } from './actor.ts'
import { readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { SessionCookie } from './cookie.ts'
import { clearOwnCookie } from './own-cookie.ts'
import { callerOf, type Context, type Handler } from './context.ts'
import { demandRecentAuthentication } from './middleware/require-recent-authentication.ts'
import { asSessionProblem } from './problems.ts'
import { readQuery } from './query.ts'
import { sessionJson } from './session-json.ts'

const ListQuery = z.strictObject({
  status: z.enum(['active', 'expired', 'revoked', 'all'] satisfies StatusFilter[]).default('active'),
})
const EndManyQuery = z.strictObject({ except: z.literal('current').optional() })
const RenameBody = z.strictObject({ device_name: z.string().max(100).nullable() })
const UndoBody = z.strictObject({ revoked: z.literal(false) })

export interface SessionHandlers {
  list: Handler
  one: Handler
  current: Handler
  /** Renames, or takes back that it was signed out. */
  change: Handler
  signOut: Handler
  end: Handler
  endMany: Handler
}

export function sessionHandlers(deps: {
  sessions: Sessions
  cookie: SessionCookie
  clientAddressOf: ClientAddressOf
}): SessionHandlers {
  const { sessions, cookie, clientAddressOf } = deps

  const actor = (ctx: Context): Actor => actorOf(ctx, clientAddressOf)

  async function undo(ctx: Context, id: string): Promise<Session | null> {
    demandRecentAuthentication(ctx)
    return sessions.undo(callerOf(ctx).session.userId, id, actor(ctx)).catch(asSessionProblem)
  }

  return {
    async list(ctx) {
      const { status } = readQuery(ctx, ListQuery)
      const { session: current } = callerOf(ctx)
      const found = await sessions.list(current.userId, status)
      ctx.body = { sessions: found.map((session) => sessionJson(session, current.id)) }
    },

    async one(ctx) {
      const { session: current } = callerOf(ctx)
      const session = await sessions.find(current.userId, idIn(ctx))
      if (session === null) throw notFound()
      ctx.body = sessionJson(session, current.id)
    },

    current(ctx) {
      const { session } = callerOf(ctx)
      ctx.body = sessionJson(session, session.id)
    },

    async change(ctx) {
      const { session: current } = callerOf(ctx)
      const id = ctx.params['id'] === 'current' ? current.id : idIn(ctx)
      const body = await readJson(ctx, (members) => (members.includes('revoked') ? UndoBody : RenameBody))
      const session =
        'device_name' in body
          ? await sessions.rename(current.userId, id, displayText(body.device_name, 100))
          : await undo(ctx, id)
      if (session === null) throw notFound()
      ctx.body = sessionJson(session, current.id)
    },

    async signOut(ctx) {
      const { session } = callerOf(ctx)
      await sessions.revoke(session.userId, session.id, 'signed_out', actor(ctx))
      clearOwnCookie(ctx, { cookie, sessions }, session)
      ctx.status = 204
    },

    async end(ctx) {
      const { session: current } = callerOf(ctx)
      const isKnown = await sessions.revoke(current.userId, idIn(ctx), 'revoked_by_user', actor(ctx))
      if (!isKnown) throw notFound()
      ctx.status = 204
    },

    async endMany(ctx) {
      const { except } = readQuery(ctx, EndManyQuery)
      const { session: current } = callerOf(ctx)
      const kept = except === 'current' ? current.id : null
      const revoked = await sessions.revokeAll(current.userId, kept, 'revoked_by_user', actor(ctx))
      ctx.body = { revoked }
    },
  }
}

/** What is no id names no session: the same answer as for somebody else's. */
function idIn(ctx: Context): string {
  const { id = '' } = ctx.params as { id?: string }
  if (!isUuid(id)) throw notFound()
  return id
}

const notFound = (): Problem => new Problem(404, 'not_found', 'There is no such session among yours.')
