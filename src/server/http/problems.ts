/** Refusals that several endpoints share. */
import { Problem } from '../errors.ts'
import type { SessionLimitReached } from '../sessions/client-limit.ts'
import { ControlRefused } from '../sessions/control-refused.ts'
import { InvalidMember } from '../sessions/invalid-member.ts'
import type { Session } from '../sessions/session.ts'
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

/** Told to nobody but who has proven whose account it is. */
export const sessionLimit = ({ sessions }: SessionLimitReached): Problem =>
  sessions === null
    ? new Problem(
        409,
        'session_limit',
        'You are signed in on as many devices as this client allows. Sign out on one of them, then send the same request again.',
      )
    : new Problem(
        409,
        'session_limit',
        'You are signed in on as many devices as this client allows. Send the request again with end_session_id, the id of the session that is to end for this one.',
        { extra: { sessions: sessions.map(choiceJson) } },
      )

/** As much of a session as it takes to recognize the device. */
const choiceJson = ({ id, device, createdAt, lastUsedAt, location }: Session): Record<string, unknown> => ({
  id,
  device: { name: device.name, label: device.label, type: device.type },
  created_at: createdAt,
  last_used_at: lastUsedAt,
  location,
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
