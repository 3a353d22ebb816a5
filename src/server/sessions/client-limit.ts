/**
 * How many sessions of one client a user may have, and what one more sign-in does then. Asked in the sign-in's
 * transaction, which holds the account's row: of many at once, each sees those before it. Pinned sessions do not count.
 */
import type { ClientTerms } from '../clients/terms.ts'
import { statement, type Queryable } from '../database/database.ts'
import { endingSessions } from '../revocations/ending-sessions.ts'
import { IS_LIVE, SESSION_COLUMNS, toSession, type Session, type SessionRow } from './session.ts'
import type { SignIn } from './sign-in.ts'

/** Whoever signs in has proven who they are; nothing was made, ended or used up. */
export class SessionLimitReached extends Error {
  override readonly name = 'SessionLimitReached'
  /** Those of which one can be ended for this sign-in, newest use first; null where the client lets nobody choose. */
  readonly sessions: readonly Session[] | null
  /** The database's clock. */
  readonly now: Date

  constructor(sessions: readonly Session[] | null, now: Date) {
    super('the user has as many sessions as the client allows')
    this.sessions = sessions
    this.now = now
  }
}

/** A sign-in whose session is about to be. */
export interface Arrival {
  readonly signIn: SignIn
  readonly id: string
  /** Of its client. */
  readonly terms: ClientTerms
}

/**
 * Before anything is ended. Who ends a session for this one takes its place, also where the limit was lowered below
 * what the user has: the number never grows.
 * @throws {SessionLimitReached}
 */
export async function demandRoom(tx: Queryable, { signIn, terms }: Arrival): Promise<void> {
  const { maxSessions, atLimit } = terms
  if (maxSessions === null || atLimit === 'drop_oldest') return
  const counted = await tx.query(listCounted, [signIn.userId, signIn.clientId])
  const leaving = [signIn.replaces?.sessionId, atLimit === 'ask' ? signIn.endSessionId : null]
  if (counted.length < maxSessions || counted.some(({ id }) => leaving.includes(id))) return
  throw new SessionLimitReached(atLimit === 'ask' ? counted.map(toSession) : null, counted[0]?.now ?? new Date())
}

/** @param feedSeconds life of an access token plus `FEED_MARGIN` */
export async function makeRoom(tx: Queryable, { signIn, id, terms }: Arrival, feedSeconds: number): Promise<void> {
  const { userId, clientId, ip, endSessionId = null } = signIn
  const { maxSessions, atLimit } = terms
  if (endSessionId !== null) {
    const byUser = [userId, 'session_limit', feedSeconds, 'user', id, ip, null] as const
    await tx.query(endChosen, [...byUser, clientId, endSessionId])
  }
  if (maxSessions !== null && atLimit === 'drop_oldest') {
    const bySystem = [userId, 'session_limit', feedSeconds, 'system', null, ip, null] as const
    await tx.query(endBeyondLimit, [...bySystem, clientId, maxSessions - 1])
  }
}

const listCounted = statement<SessionRow & { now: Date }>(
  'client_limit.list',
  `select ${SESSION_COLUMNS}, clock_timestamp() as now from sessions
   where user_id = $1::uuid and client_id = $2::text and not pinned and ${IS_LIVE}
   order by last_used_at desc, id desc`,
)

const endChosen = endingSessions(
  'client_limit.end_chosen',
  `id = $9::uuid and client_id = $8::text and not pinned and ${IS_LIVE}`,
)

const endBeyondLimit = endingSessions(
  'client_limit.end_beyond',
  `id in (
     select id from sessions
     where user_id = $1::uuid and client_id = $8::text and not pinned and ${IS_LIVE}
     order by last_used_at desc, id desc offset $9::int
   )`,
)
