/**
 * Sessions that are over for longer than they are kept. The table is walked along its primary key: an index on
 * what a refresh changes would make every refresh dearer. A row that is live is never waited for nor touched,
 * and one that somebody is about to revive is left to them.
 */
import { NIL } from 'uuid'
import { isWhole, networkOf } from '../events/addresses.ts'
import { statement, type Database, type Queryable } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'
import type { Progress, Turn } from '../upkeep/task.ts'
import { ENDED_AT, IS_LIVE } from './session.ts'

export interface Pruning {
  /** A part of a walk, from where the turn before left off. */
  takeTurn(turn: Turn): Promise<Progress>
  /** A whole walk. @returns how many rows were removed */
  pruneAll(): Promise<number>
}

/** Rows that are looked at in one piece. */
const BATCH = 500

/** @param settings seconds: how long an ended session is kept, and an address of one that was not used since */
export function createPruning(deps: {
  database: Pick<Database, 'query' | 'transaction'>
  settings: { readonly retention: number; readonly ipRetention: number }
}): Pruning {
  const { database, settings } = deps

  /** @returns where it came to, null at the end of the table */
  async function prunePiece(from: Place): Promise<{ reached: Place | null; count: number }> {
    const [last] = await database.query(findLast, [from.userId, from.sessionId])
    if (last === undefined) return { reached: null, count: 0 }
    const reached = { userId: last.user_id, sessionId: last.id }
    const range = [from.userId, from.sessionId, reached.userId, reached.sessionId] as const
    const count = await database.transaction(async (tx) => {
      await waitForNoDisk(tx)
      const pruned = await tx.query(prune, [...range, settings.retention])
      await tx.query(shortenAddresses, [...range, settings.ipRetention])
      return pruned.length
    })
    return { reached, count }
  }

  async function walk(from: Place, signal: AbortSignal): Promise<{ reached: Place | null; count: number }> {
    let reached: Place | null = from
    let total = 0
    await inPieces(signal, async () => {
      const piece = await prunePiece(reached ?? BEGINNING)
      reached = piece.reached
      total += piece.count
      return reached !== null
    })
    return { reached, count: total }
  }

  return {
    async takeTurn({ place, signal }) {
      const { reached } = await walk(place === null ? BEGINNING : parsePlace(place), signal)
      return { place: reached === null ? null : `${reached.userId} ${reached.sessionId}`, isDone: reached === null }
    },
    pruneAll: async () => (await walk(BEGINNING, new AbortController().signal)).count,
  }
}

/** A primary key; the walk goes on behind it. */
interface Place {
  readonly userId: string
  readonly sessionId: string
}

const BEGINNING: Place = { userId: NIL, sessionId: NIL }

function parsePlace(text: string): Place {
  const [userId = NIL, sessionId = NIL] = text.split(' ')
  return { userId, sessionId }
}

/** A commit that gets lost is a row that is pruned the next time. */
const waitForNoDisk = (tx: Queryable): Promise<unknown> => tx.query(relax, [])
const relax = statement('sessions.prune_relaxed', `select set_config('synchronous_commit', 'off', true)`)

/** The last row of the next piece; the rest of the table where it is shorter. */
const findLast = statement<{ user_id: string; id: string }>(
  'sessions.prune_find_last',
  `select user_id, id from (
     select user_id, id from sessions where (user_id, id) > ($1::uuid, $2::uuid) order by user_id, id limit ${BATCH}
   ) as piece order by user_id desc, id desc limit 1`,
)

const IN_PIECE = `(user_id, id) > ($1::uuid, $2::uuid) and (user_id, id) <= ($3::uuid, $4::uuid)`

/** Order and limit change nothing but the plan: that it goes along the primary key, whatever is estimated. */
const ALONG_THE_KEY = `order by user_id, id limit ${BATCH}`

/** Said again of the row that is deleted: only that is looked at anew, should it have changed meanwhile. */
const IS_OVER = `not (${IS_LIVE}) and ${ENDED_AT} < clock_timestamp() - make_interval(secs => $5::float8)`

const prune = statement<{ id: string }>(
  'sessions.prune',
  `with over as (
     select user_id, id from sessions where ${IN_PIECE} and ${IS_OVER}
     ${ALONG_THE_KEY} for update skip locked
   )
   delete from sessions
   where (user_id, id) in (select user_id, id from over) and ${IS_OVER}
   returning id`,
)

const HAS_OLD_ADDRESS = `
  (${isWhole('ip_first')} or ${isWhole('ip_last')})
  and last_used_at < clock_timestamp() - make_interval(secs => $5::float8)`

const shortenAddresses = statement(
  'sessions.shorten_addresses',
  `with old as (
     select user_id, id from sessions where ${IN_PIECE} and ${HAS_OLD_ADDRESS}
     ${ALONG_THE_KEY} for no key update skip locked
   )
   update sessions set ip_first = ${networkOf('ip_first')}, ip_last = ${networkOf('ip_last')}
   where (user_id, id) in (select user_id, id from old) and ${HAS_OLD_ADDRESS}`,
)
