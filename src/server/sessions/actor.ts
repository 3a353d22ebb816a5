import type { Session } from './session.ts'

/** Who did something, and from where. */
export interface Actor {
  readonly kind: 'user' | 'admin' | 'system'
  /** Which administrator: the id of a user, or of an API key; null for the command line, and where `kind` says it all. */
  readonly id?: string | null
  readonly sessionId: string | null
  readonly ip: string | null
}

/** Whoever runs the service, or the application that it keeps sessions for. */
export const OPERATOR: Actor = { kind: 'admin', sessionId: null, ip: null }

/** The account's owner, signed in. */
export const bySession = ({ id }: Pick<Session, 'id'>, ip: string | null): Actor => ({
  kind: 'user',
  sessionId: id,
  ip,
})

/** The account's owner, without a session: by a link from a mail. */
export const byOwner = (ip: string | null): Actor => ({ kind: 'user', sessionId: null, ip })
