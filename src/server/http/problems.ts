/** Refusals that several endpoints share. */
import { Problem } from '../errors.ts'
import { ControlRefused } from '../sessions/control-refused.ts'
import { InvalidMember } from '../sessions/invalid-member.ts'
import type { PasswordFault } from '../users/password-rules.ts'
import { invalidMember } from './body.ts'

/** Unknown, used, expired and void read alike; the way out is the same for all. */
export const invalidEmailToken = (): Problem =>
  new Problem(400, 'invalid_token', 'This link is not good any more, or never was. Ask for a new one.')

export const invalidAddress = (): Problem =>
  new Problem(400, 'invalid_request', 'This is not an e-mail address that can receive mail.', {
    extra: { errors: [{ pointer: '/email', code: 'invalid_address' }] },
  })

/** `errors` say why, each with a message that can be shown as it is. */
export const weakPassword = (faults: readonly PasswordFault[]): Problem =>
  new Problem(400, 'weak_password', 'Choose another password.', {
    extra: { errors: faults.map((fault) => ({ pointer: '/password', ...fault })) },
  })

export const noCookies = (): Problem =>
  new Problem(
    400,
    'invalid_request',
    'Over plain http, cookies are for localhost only: use transport "body", or https.',
  )

/** What a session's control refuses, as the answer says it. */
export function asSessionProblem(error: unknown): never {
  if (error instanceof InvalidMember) throw invalidMember(error.pointer, error.code)
  if (error instanceof ControlRefused) {
    throw new Problem(409, error.code, error.message, { extra: { reason: error.reason } })
  }
  throw error
}
