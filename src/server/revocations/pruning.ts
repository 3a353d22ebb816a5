/** Entries of the feed that concern no token any more. */
import { statement, type Database } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'

/** Every process reads the last hour when it starts (memory.ts), by clocks that may differ a little. Seconds. */
const KEPT = 65 * 60
const BATCH = 1_000

export async function pruneRevocations(database: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  await inPieces(signal, async () => (await database.query(prune, [KEPT, BATCH])).length === BATCH)
}

const prune = statement<{ position: number }>(
  'revocations.prune',
  `delete from revocations where position in (
     select position from revocations
     where until < clock_timestamp() and issued_until < clock_timestamp() - make_interval(secs => $1::float8)
     order by until limit $2::int for update skip locked
   ) returning position`,
)
