/** The history: what happened to accounts and sessions, newest first, page by page. */
import { statement, type Database } from '../database/database.ts'
import { decodePosition, encodePosition, type Position } from './position.ts'

export interface HistoryEvent {
  readonly id: string
  readonly userId: string
  readonly createdAt: Date
  /** As `session.revoked`. */
  readonly type: string
  readonly reason: string | null
  readonly subtype: string | null
  readonly actor: 'user' | 'admin' | 'system'
  /** Which administrator: a user or an API key. For operators. */
  readonly actorId: string | null
  /** The session that it happened to; or, of `api_key...`, the key. */
  readonly subject: Named | null
  /** The session that did it. */
  readonly by: Named | null
  /** A network with its mask, once it is old. */
  readonly ip: string | null
  readonly details: Readonly<Record<string, unknown>>
}

export interface Named {
  readonly id: string
  /** What its owner or we call it; null where its row is kept no more. */
  readonly name: string | null
}

export interface HistoryPage {
  readonly events: readonly HistoryEvent[]
  /** Where the next page begins; null after the last one. */
  readonly cursor: string | null
}

interface PageWanted {
  readonly limit: number
  /** Of the page before; null for the newest. */
  readonly cursor: string | null
  /** One kind of events, or all. */
  readonly type?: string | null
}

export interface History {
  /** @returns null for a cursor that is none */
  ofUser(userId: string, wanted: PageWanted): Promise<HistoryPage | null>
  /** For operators. @returns null for a cursor that is none */
  ofEverybody(wanted: PageWanted & { readonly since?: Date | null }): Promise<HistoryPage | null>
}

export function createHistory({ database }: { database: Pick<Database, 'query'> }): History {
  async function readPage(
    { limit, cursor }: PageWanted,
    read: (after: Position | null, limit: number) => Promise<EventRow[]>,
  ): Promise<HistoryPage | null> {
    const after = cursor === null ? null : decodePosition(cursor)
    if (cursor !== null && after === null) return null
    const rows = await read(after, limit + 1) // one more tells whether there is one more
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    return {
      events: shown.map(toEvent),
      cursor: last === undefined ? null : encodePosition({ at: last.at, id: last.id }),
    }
  }

  return {
    ofUser: (userId, wanted) =>
      readPage(wanted, (after, limit) =>
        database.query(readOfUser, [after?.at ?? null, after?.id ?? null, limit, wanted.type ?? null, userId]),
      ),
    ofEverybody: (wanted) =>
      readPage(wanted, (after, limit) =>
        database.query(readOfEverybody, [
          after?.at ?? null,
          after?.id ?? null,
          limit,
          wanted.type ?? null,
          wanted.since ?? null,
        ]),
      ),
  }
}

interface EventRow {
  id: string
  user_id: string
  created_at: Date
  /** The same, as exactly as the row has it: microseconds since 1970. */
  at: number
  type: string
  reason: string | null
  subtype: string | null
  actor: HistoryEvent['actor']
  actor_id: string | null
  session_id: string | null
  subject_name: string | null
  actor_session_id: string | null
  by_name: string | null
  ip: string | null
  details: Record<string, unknown>
}

const toEvent = (row: EventRow): HistoryEvent => ({
  id: row.id,
  userId: row.user_id,
  createdAt: row.created_at,
  type: row.type,
  reason: row.reason,
  subtype: row.subtype,
  actor: row.actor,
  actorId: row.actor_id,
  subject: named(row.session_id, row.subject_name),
  by: named(row.actor_session_id, row.by_name),
  ip: row.ip,
  details: row.details,
})

const named = (id: string | null, name: string | null): Named | null => (id === null ? null : { id, name })

/**
 * Of one page's events: names are looked up for those alone. Both are looked for among the sessions of the
 * account itself: an administrator's device has no name in somebody else's history.
 */
const reading = (name: string, which: string) =>
  statement<EventRow>(
    name,
    `select event.id, event.user_id, event.created_at, event.at, event.type, event.reason, event.subtype,
       event.actor, event.actor_id, event.session_id, event.actor_session_id, event.details,
       case when masklen(event.ip) in (32, 128) then host(event.ip) else text(event.ip) end as ip,
       coalesce(subject.device_name, subject.device_label, api_keys.name) as subject_name,
       coalesce(doer.device_name, doer.device_label) as by_name
     from (
       select *, (extract(epoch from created_at) * 1000000)::bigint as at from events
       where ${which}
         and ($1::bigint is null
           or (created_at, id) < (timestamptz 'epoch' + $1::bigint * interval '1 microsecond', $2::uuid))
         and ($4::text is null or type = $4::text)
       order by created_at desc, id desc limit $3::int
     ) as event
     left join sessions as subject on subject.user_id = event.user_id and subject.id = event.session_id
     left join sessions as doer on doer.user_id = event.user_id and doer.id = event.actor_session_id
     left join api_keys on api_keys.id = event.session_id and event.type like 'api_key.%'
     order by event.created_at desc, event.id desc`,
  )

const readOfUser = reading('events.read_of_user', 'user_id = $5::uuid')

const readOfEverybody = reading(
  'events.read_of_everybody',
  '($5::timestamptz is null or created_at >= $5::timestamptz)',
)
