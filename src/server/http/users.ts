/** `/v1/users` */
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccountChanges } from '../users/account-changes.ts'
import type { Users } from '../users/users.ts'
import { actorOf } from './actor.ts'
import { readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import { callerOf, type Handler } from './context.ts'
import type { SessionCookie } from './cookie.ts'
import { invalidAddress, weakPassword } from './problems.ts'
import { languageOf } from './language.ts'
import { invalidAccessToken } from './middleware/require-session.ts'
import { clearOwnCookie } from './own-cookie.ts'

const RegistrationBody = z.strictObject({ email: z.string(), password: z.string() })
const PasswordChangeBody = z.strictObject({ current_password: z.string(), password: z.string() })

export interface UserHandlers {
  register: Handler
  me: Handler
  changePassword: Handler
  deleteMe: Handler
}

export function userHandlers(deps: {
  users: Users
  accounts: Pick<AccountChanges, 'delete'>
  sessions: Sessions
  rateLimits: RateLimits
  cookie: SessionCookie
  clientAddressOf: ClientAddressOf
}): UserHandlers {
  const { users, accounts, rateLimits, clientAddressOf } = deps
  return {
    /** One answer for a new and a taken address; the mail tells its owner which it was. */
    async register(ctx) {
      const { email, password } = await readJson(ctx, RegistrationBody)
      await rateLimits.beforeRegistration(clientAddressOf(ctx))
      const registration = await users.register(email, password, languageOf(ctx))
      if (registration.kind === 'invalid_address') throw invalidAddress()
      if (registration.kind === 'weak_password') throw weakPassword(registration.faults)
      ctx.status = 202
      ctx.body = {}
    },

    async me(ctx) {
      const user = await users.find(callerOf(ctx).session.userId)
      if (user === null) throw invalidAccessToken()
      ctx.body = {
        id: user.id,
        email: user.email,
        email_verified: user.emailVerifiedAt !== null,
        created_at: user.createdAt,
        claims: user.claims,
      }
    },

    async changePassword(ctx) {
      const { current_password: current, password } = await readJson(ctx, PasswordChangeBody)
      const { userId } = callerOf(ctx).session
      const attempt = await rateLimits.beforePasswordCheck(userId)
      const change = await users.changePassword(userId, current, password, actorOf(ctx, clientAddressOf))
      if (change.kind === 'wrong_password') {
        throw new Problem(401, 'invalid_credentials', 'The current password is wrong.')
      }
      await attempt.succeeded()
      if (change.kind === 'weak_password') throw weakPassword(change.faults)
      ctx.status = 204
    },

    async deleteMe(ctx) {
      const { session } = callerOf(ctx)
      await accounts.delete(session.userId, actorOf(ctx, clientAddressOf))
      clearOwnCookie(ctx, deps, session)
      ctx.status = 204
    },
  }
}
