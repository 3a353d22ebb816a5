/**
 * After a while an address says no more than which network it was: the first 24 bits of IPv4, the first 48 of
 * IPv6, as many as the notice of a new device compares. A whole address has no mask; what has one is done.
 */
import { statement, type Database } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'
import type { Progress, Turn } from '../upkeep/task.ts'

/** The SQL of a whole address's network. */
export const networkOf = (column: string): string =>
  `network(set_masklen(${column}, case family(${column}) when 4 then 24 else 48 end))`

/** The SQL of whether there is an address, and it is whole. */
export const isWhole = (column: string): string =>
  `coalesce(masklen(${column}) = case family(${column}) when 4 then 32 else 128 end, false)`

const BATCH = 1_000

/** `now()` and not the clock: the planner leaves out months that cannot be meant. */
const isDue = (column: string): string =>
  `${column} >= coalesce($1::timestamptz, '-infinity') and ${column} < now() - make_interval(secs => $2::float8)`

/**
 * Shortens the addresses of events older than `ipRetention`, oldest first, from where the turn before left off.
 * @param ipRetention seconds
 */
export async function shortenAddressesOfEvents(
  database: Pick<Database, 'query'>,
  ipRetention: number,
  { place, signal }: Turn,
): Promise<Progress> {
  let reached = place
  const isLeft = await inPieces(signal, async () => {
    const [piece] = await database.query(shorten, [reached, ipRetention, BATCH])
    reached = piece?.reached ?? reached
    return piece !== undefined && piece.count === BATCH
  })
  return { place: reached, isDone: !isLeft }
}

/** Along the primary key. The instant that was reached is looked at again, as several events may have it. */
const shorten = statement<{ count: number; reached: string | null }>(
  'events.shorten_addresses',
  `with next as (
     select created_at, id from events
     where ${isDue('created_at')} and ${isWhole('ip')}
     order by created_at, id limit $3::int
   ), shortened as (
     update events set ip = ${networkOf('ip')} from next
     where events.created_at = next.created_at and events.id = next.id and ${isDue('events.created_at')}
     returning next.created_at
   )
   select count(*) as count, max(created_at)::text as reached from shortened`,
)
