/** `/v1/admin/users`: accounts, for operators' programs. */
import { validate as isUuid } from 'uuid'
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { StatusFilter } from '../sessions/reading.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccountChanges } from '../users/account-changes.ts'
import type { Directory } from '../users/directory.ts'
import type { Made, MakeUser } from '../users/making.ts'
import { InvalidClaims } from '../users/user-claims.ts'
import type { UserRole } from '../users/user.entity.ts'
import { operatorOf } from './actor.ts'
import { invalidMember, readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import { invalidAddress, weakPassword } from './problems.ts'
import { readQuery } from './query.ts'
import { sessionJson } from './session-json.ts'
import { userJson } from './user-json.ts'

const Role = z.enum(['user', 'admin'] satisfies UserRole[])
const Claims = z.record(z.string(), z.unknown())

const ListQuery = z.strictObject({
  email: z.string().optional(),
  subject: z
    .string()
    .refine((text) => !text.includes('\0'))
    .optional(),
  role: Role.optional(),
  disabled: z.enum(['true', 'false']).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
})

const NewUserBody = z.strictObject({
  email: z.string().optional(),
  password: z.string().optional(),
  subject: z.string().optional(),
  email_verified: z.boolean().default(false),
  claims: Claims.default({}),
  role: Role.default('user'),
  send_confirmation: z.boolean().default(false),
})

const AmendBody = z.strictObject({
  claims: Claims.optional(),
  role: Role.optional(),
  disabled: z.boolean().optional(),
})

const SessionsQuery = z.strictObject({
  status: z.enum(['active', 'expired', 'revoked', 'all'] satisfies StatusFilter[]).default('active'),
})

export interface AdminUserHandlers {
  list: Handler
  make: Handler
  one: Handler
  amend: Handler
  remove: Handler
  sessions: Handler
  endSessions: Handler
}

export function adminUserHandlers(deps: {
  directory: Directory
  makeUser: MakeUser
  accounts: Pick<AccountChanges, 'amend' | 'delete'>
  sessions: Pick<Sessions, 'list' | 'revokeAll'>
  clientAddressOf: ClientAddressOf
}): AdminUserHandlers {
  const { directory, makeUser, accounts, sessions, clientAddressOf } = deps

  /** @throws {Problem} 404 */
  async function show(ctx: Context, userId: string): Promise<void> {
    const user = await directory.show(userId)
    if (user === null) throw notFound()
    ctx.body = userJson(user)
  }

  return {
    async list(ctx) {
      const { disabled, ...search } = readQuery(ctx, ListQuery)
      const page = await directory.search({
        ...search,
        isDisabled: disabled === undefined ? undefined : disabled === 'true',
      })
      if (page === null) throw new Problem(400, 'invalid_request', 'This cursor is not one of a page before.')
      ctx.body = { users: page.users.map(userJson), cursor: page.cursor }
    },

    async make(ctx) {
      const { email_verified: isVerified, send_confirmation: sendsLink, ...others } = await readJson(ctx, NewUserBody)
      const made = await makeUser({ ...others, isVerified, sendsLink }, operatorOf(ctx, clientAddressOf))
      if (made.kind !== 'made') throw refusalOf(made)
      await show(ctx, (ctx.state.userId = made.userId))
      ctx.status = 201
    },

    one: (ctx) => show(ctx, idIn(ctx)),

    async amend(ctx) {
      const id = idIn(ctx)
      const { disabled, ...others } = await readJson(ctx, AmendBody)
      const amendment = { ...others, isDisabled: disabled }
      const isKnown = await accounts.amend(id, amendment, operatorOf(ctx, clientAddressOf)).catch(asProblem)
      if (!isKnown) throw notFound()
      await show(ctx, id)
    },

    async remove(ctx) {
      if (!(await accounts.delete(idIn(ctx), operatorOf(ctx, clientAddressOf)))) throw notFound()
      ctx.status = 204
    },

    async sessions(ctx) {
      const id = idIn(ctx)
      const { status } = readQuery(ctx, SessionsQuery)
      const found = await sessions.list(id, status)
      // Those of an account that was deleted are still there, for as long as they are kept.
      if (found.length === 0 && (await directory.show(id)) === null) throw notFound()
      ctx.body = { sessions: found.map((session) => ({ ...sessionJson(session, null), user_id: session.userId })) }
    },

    async endSessions(ctx) {
      const id = idIn(ctx)
      if ((await directory.show(id)) === null) throw notFound()
      ctx.body = { revoked: await sessions.revokeAll(id, null, 'revoked_by_admin', operatorOf(ctx, clientAddressOf)) }
    },
  }
}

/** What is no id names no user. */
function idIn(ctx: Context): string {
  const { id = '' } = ctx.params as { id?: string }
  if (!isUuid(id)) throw notFound()
  return (ctx.state.userId = id)
}

const notFound = (): Problem =>
  new Problem(404, 'not_found', 'There is no user of this id. GET /v1/admin/users finds them by address or subject.')

function refusalOf(made: Exclude<Made, { kind: 'made' }>): Problem {
  if (made.kind === 'weak_password') return weakPassword(made.faults)
  if (made.kind === 'taken') return taken(made.member)
  return made.code === 'invalid_address' ? invalidAddress() : invalidMember(made.pointer, made.code)
}

const taken = (member: 'email' | 'subject'): Problem =>
  new Problem(409, 'already_exists', `Somebody has this ${member} already: GET /v1/admin/users?${member}= shows who.`, {
    extra: { errors: [{ pointer: `/${member}`, code: 'taken' }] },
  })

function asProblem(error: unknown): never {
  if (error instanceof InvalidClaims) throw invalidMember(error.pointer, error.code)
  throw error
}
