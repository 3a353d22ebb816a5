/** Buckets whose window is over: nobody asks for them, so somebody has to sweep. */
import { statement, type Database } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'

/** What goes within the time-out of a statement. */
const BATCH = 10_000

/** Deletes them all, some at a time. */
export async function clearExpired(database: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  await inPieces(signal, async () => {
    const [cleared] = await database.query(clear, [Date.now(), BATCH])
    return cleared?.count === BATCH
  })
}

const clear = statement<{ count: number }>(
  'rate_limits.clear',
  `with cleared as (
     delete from rate_limits
     where key in (select key from rate_limits where expire < $1::bigint order by expire limit $2::int)
     returning 1
   )
   select count(*) as count from cleared`,
)
