/** `/v1/users` */
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { Users } from '../users/users.ts'
import { readJson } from './body.ts'
import { callerOf, type Handler } from './context.ts'
import { invalidAccessToken } from './middleware/require-session.ts'

const RegistrationBody = z.strictObject({ email: z.string(), password: z.string() })

export function userHandlers({ users }: { users: Users }): { register: Handler; me: Handler } {
  return {
    /** One answer for a new and a taken address; the mail tells its owner which it was. */
    async register(ctx) {
      const { email, password } = await readJson(ctx, RegistrationBody)
      const registration = await users.register(email, password)
      if (registration.kind === 'invalid_address') {
        throw new Problem(400, 'invalid_request', 'This is not an e-mail address that can receive mail.', {
          extra: { errors: [{ pointer: '/email', code: 'invalid_address' }] },
        })
      }
      if (registration.kind === 'weak_password') {
        throw new Problem(400, 'weak_password', 'Choose another password.', {
          extra: { errors: registration.faults.map((code) => ({ pointer: '/password', code })) },
        })
      }
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
  }
}
