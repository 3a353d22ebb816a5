/** Buckets whose window is over: nobody asks for them, so somebody has to sweep. */
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { nameOf } from '../errors.ts'

/** What goes within the time-out of a statement. */
const BATCH = 10_000

/** Deletes them all, some at a time. Never throws: what stays behind is in nobody's way. */
export async function clearExpired({ database, log }: { database: Database; log: Logger }): Promise<void> {
  try {
    let count = BATCH
    while (count === BATCH) {
      const [cleared] = await database.query(clear, [Date.now(), BATCH])
      count = cleared?.count ?? 0
    }
  } catch (error) {
    log.debug({ failure: nameOf(error) }, 'expired rate limits stay for now')
  }
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
