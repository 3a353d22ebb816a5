/** Figures of minutes that nobody looks at any more. */
import { statement, type Database } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'

/** Longer than the longest month. Seconds. */
const KEPT = 35 * 24 * 60 * 60
const BATCH = 5_000

export async function pruneCounters(database: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  await inPieces(signal, async () => (await database.query(prune, [KEPT, BATCH])).length === BATCH)
}

const prune = statement<{ name: string }>(
  'counters.prune',
  `delete from counters where (minute, name) in (
     select minute, name from counters
     where minute < clock_timestamp() - make_interval(secs => $1::float8)
     order by minute, name limit $2::int
   ) returning name`,
)
