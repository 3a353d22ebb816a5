/**
 * Sessions of everybody, by what they have in common: looked at, counted and ended along the primary key, in
 * batches, so that a million rows need no index, hold no lock for long, and end no process.
 */
import { MAX, NIL } from 'uuid'
import { statement, type Database, type Value } from '../database/database.ts'
import type { RevocationReason } from '../../protocol/errors.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import type { Actor } from './actor.ts'
import { FULL_SESSION_COLUMNS, toFullSession, type FullSession, type FullSessionRow } from './full-session.ts'
import { InvalidMember } from './invalid-member.ts'
import { hasNone, matches, predicateValues, type SessionPredicate } from './predicate.ts'
import type { StatusFilter } from './reading.ts'
import { IS_LIVE, SESSION_STATUS } from './session.ts'

export interface SessionPage {
  /** By user, the oldest session first; fewer than asked for, or none, where the next page may have more. */
  readonly sessions: FullSession[]
  /** Where to go on; null after the last page. */
  readonly cursor: string | null
}

export interface Search {
  /** @param cursor of the page before @throws {InvalidMember} */
  search(predicate: SessionPredicate, status: StatusFilter, cursor?: string | null): Promise<SessionPage>
  /** @throws {InvalidMember} */
  count(predicate: SessionPredicate, status: StatusFilter): Promise<number>
  /**
   * Ends the live ones. What signs in while it goes on may be left: ask again.
   * @returns how many it ended
   * @throws {InvalidMember} also for a predicate that says nothing: for everybody there is `revokeEverybody`
   */
  revokeWhere(predicate: SessionPredicate, reason: RevocationReason, actor: Actor): Promise<number>
}

const PAGE = 100
/** Rows. */
const BATCH = 2_000
/** Then a page is answered with what it has: somebody waits for it. */
const MOST_BATCHES_A_PAGE = 50

interface Key {
  readonly userId: string
  readonly id: string
}

/** Everything after `after`, up to `last`, in the order of the primary key. */
interface Range {
  readonly after: Key
  readonly last: Key
  readonly isLast: boolean
}

/** @param accessTtl life of an access token, seconds */
export function createSearch({ database, accessTtl }: { database: Database; accessTtl: number }): Search {
  async function* ranges({ userId }: SessionPredicate, from: Key | null): AsyncGenerator<Range> {
    let after = from ?? { userId: userId ?? NIL, id: NIL }
    const end = { userId: userId ?? MAX, id: MAX }
    for (;;) {
      const [row] = await database.query(findBoundary, [...keyValues(after), ...keyValues(end), BATCH - 1])
      const last = row ? { userId: row.user_id, id: row.id } : end
      yield { after, last, isLast: row === undefined }
      if (row === undefined) return
      after = last
    }
  }

  return {
    async search(predicate, status, cursor = null) {
      const values = [status, ...predicateValues(predicate)]
      const sessions: FullSession[] = []
      let batches = 0
      for await (const { after, last, isLast } of ranges(predicate, cursor === null ? null : keyIn(cursor))) {
        const limit = PAGE - sessions.length
        const rows = await database.query(findMatching, [...keyValues(after), ...keyValues(last), limit, ...values])
        sessions.push(...rows.map(toFullSession))
        const final = sessions.at(-1)
        if (rows.length === limit && final !== undefined) return { sessions, cursor: cursorAt(final) }
        if (isLast) break
        if ((batches += 1) === MOST_BATCHES_A_PAGE) return { sessions, cursor: cursorAt(last) }
      }
      return { sessions, cursor: null }
    },

    async count(predicate, status) {
      const values = [status, ...predicateValues(predicate)]
      let total = 0
      for await (const { after, last } of ranges(predicate, null)) {
        const [row] = await database.query(countMatching, [...keyValues(after), ...keyValues(last), null, ...values])
        total += row?.count ?? 0
      }
      return total
    },

    async revokeWhere(predicate, reason, actor) {
      if (hasNone(predicate)) throw new InvalidMember('', 'no_predicate')
      const values = predicateValues(predicate)
      const how = [reason, accessTtl + FEED_MARGIN, actor.kind, actor.sessionId, actor.ip, null] as const
      let total = 0
      for await (const { after, last } of ranges(predicate, null)) {
        const range = [after.id, ...keyValues(last), actor.id ?? null]
        total += (await database.query(endMatching, [after.userId, ...how, ...range, ...values])).length
      }
      return total
    },
  }
}

const keyValues = ({ userId, id }: Key): Value[] => [userId, id]

const cursorAt = ({ userId, id }: Key): string =>
  Buffer.from(`${userId}${id}`.replaceAll('-', ''), 'hex').toString('base64url')

/** @throws {InvalidMember} */
function keyIn(cursor: string): Key {
  const hex = Buffer.from(cursor, 'base64url').toString('hex')
  if (hex.length !== 64 || cursor.length !== 43) throw new InvalidMember('/cursor', 'invalid_cursor')
  return { userId: hex.slice(0, 32), id: hex.slice(32) } // PostgreSQL reads a uuid without hyphens as well
}

const findBoundary = statement<{ user_id: string; id: string }>(
  'sessions.find_boundary',
  `select user_id, id from sessions
   where (user_id, id) > ($1::uuid, $2::uuid) and (user_id, id) <= ($3::uuid, $4::uuid)
   order by user_id, id offset $5::int limit 1`,
)

const MATCHING = `
  (user_id, id) > ($1::uuid, $2::uuid) and (user_id, id) <= ($3::uuid, $4::uuid)
  and ($6::text = 'all' or ${SESSION_STATUS} = $6::text) and ${matches(7)}`

const findMatching = statement<FullSessionRow>(
  'sessions.find_matching',
  `select ${FULL_SESSION_COLUMNS} from sessions where ${MATCHING} order by user_id, id limit $5::int`,
)

const countMatching = statement<{ count: number }>(
  'sessions.count_matching',
  `select count(*) as count from (select from sessions where ${MATCHING} limit $5::int) as matching`,
)

/** Every condition on the row itself: it is looked at again after waiting for a refresh. */
const endMatching = endingSessions('sessions.end_matching', `${IS_LIVE} and ${matches(12)}`, {
  whose: '(user_id, id) > ($1::uuid, $8::uuid) and (user_id, id) <= ($9::uuid, $10::uuid)',
  actorId: '$11::uuid',
})
