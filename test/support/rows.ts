/** What stands in the database, and how time passes there: tests age a row, they never sleep. */
import { statement } from '../../src/server/database/database.ts'
import type { TestServer } from './server.ts'

export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

interface NamedSession {
  readonly userId: string
  readonly sessionId: string
}

type SessionTime =
  | 'authenticated_at'
  | 'rotated_at'
  | 'last_used_at'
  | 'idle_expires_at'
  | 'absolute_expires_at'
  | 'revoked_at'
  | 'created_at'

/** Moves times of a session's row: seconds from the database's now, negative in the past. */
export async function moveTimes(
  { hallpass }: TestServer,
  { userId, sessionId }: NamedSession,
  times: Partial<Record<SessionTime, number>>,
): Promise<void> {
  for (const [column, seconds] of Object.entries(times)) {
    const move = statement(
      `test.move_${column}`,
      `update sessions set ${column} = clock_timestamp() + make_interval(secs => $3::float8)
       where user_id = $1::uuid and id = $2::uuid`,
    )
    await hallpass.store.database.query(move, [userId, sessionId, seconds])
  }
}

interface SessionRow {
  generation: number
  idempotency_hashes: Buffer
  rotated_at: Date | null
  last_used_at: Date
  idle_expires_at: Date
  absolute_expires_at: Date
  revoked_reason: string | null
}

export async function rowOf({ hallpass }: TestServer, session: NamedSession): Promise<SessionRow> {
  const read = statement<SessionRow>(
    'test.row',
    `select generation, idempotency_hashes, rotated_at, last_used_at, idle_expires_at, absolute_expires_at, revoked_reason
     from sessions where user_id = $1::uuid and id = $2::uuid`,
  )
  const [row] = await hallpass.store.database.query(read, [session.userId, session.sessionId])
  if (row === undefined) throw new Error('there is no such session')
  return row
}

/** Whether nothing and nobody has ended it. */
export const isAlive = async (server: TestServer, session: NamedSession): Promise<boolean> =>
  (await rowOf(server, session)).revoked_reason === null

interface EventRow {
  type: string
  reason: string | null
  subtype: string | null
  actor: string
  actor_id: string | null
  actor_session_id: string | null
  ip: string | null
  details: object
}

/** What the history says of a session, oldest first. */
export const eventsOf = ({ hallpass }: TestServer, session: NamedSession): Promise<EventRow[]> =>
  hallpass.store.database.query(
    statement<EventRow>(
      'test.events',
      `select type, reason, subtype, actor, actor_id, actor_session_id, host(ip) as ip, details from events
       where user_id = $1::uuid and session_id = $2::uuid order by created_at`,
    ),
    [session.userId, session.sessionId],
  )

/** What policies made of a session's refreshes, oldest first. */
export async function policyEventsOf({ hallpass }: TestServer, session: NamedSession): Promise<object[]> {
  const read = statement<{ details: object }>(
    'test.policy_events',
    `select details from events
     where user_id = $1::uuid and session_id = $2::uuid and type = 'session.policy' order by created_at`,
  )
  const rows = await hallpass.store.database.query(read, [session.userId, session.sessionId])
  return rows.map(({ details }) => details)
}

/** What verifiers are told of a session; `seconds` is how long they have to remember it. */
export const feedOf = (
  { hallpass }: TestServer,
  session: NamedSession,
): Promise<{ kind: string; seconds: number; issued_until: Date }[]> =>
  hallpass.store.database.query(
    statement<{ kind: string; seconds: number; issued_until: Date }>(
      'test.feed',
      `select kind, issued_until, extract(epoch from until - issued_until)::float8 as seconds
       from revocations where user_id = $1::uuid and session_id = $2::uuid order by position`,
    ),
    [session.userId, session.sessionId],
  )

/** The user ids of the accounts of an address, as it is compared. */
export async function accountsOf({ hallpass }: TestServer, canonicalAddress: string): Promise<string[]> {
  const read = statement<{ id: string }>('test.accounts', 'select id from users where email_canonical = $1::text')
  const rows = await hallpass.store.database.query(read, [canonicalAddress])
  return rows.map(({ id }) => id)
}

/** The types of what the history says of an account, oldest first. */
export async function eventsOfAccount({ hallpass }: TestServer, userId: string): Promise<string[]> {
  const read = statement<{ type: string }>(
    'test.account_events',
    'select type from events where user_id = $1::uuid order by created_at',
  )
  return (await hallpass.store.database.query(read, [userId])).map(({ type }) => type)
}

/** What the history says of an account and its keys, and of no session, oldest first. */
export const changesOf = (
  { hallpass }: TestServer,
  userId: string,
): Promise<{ type: string; actor: string; actor_id: string | null; ip: string | null; details: object }[]> =>
  hallpass.store.database.query(
    statement<{ type: string; actor: string; actor_id: string | null; ip: string | null; details: object }>(
      'test.changes',
      `select type, actor, actor_id, host(ip) as ip, details from events
       where user_id = $1::uuid and type not like 'session.%' order by created_at`,
    ),
    [userId],
  )
