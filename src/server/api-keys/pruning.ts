/** Keys that were revoked or have expired, and are kept no longer. There are never many. */
import { statement, type Database } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'

const BATCH = 500

/** @param retention how long they are kept, seconds */
export async function pruneApiKeys(
  database: Pick<Database, 'query'>,
  retention: number,
  signal: AbortSignal,
): Promise<void> {
  await inPieces(signal, async () => (await database.query(prune, [retention, BATCH])).length === BATCH)
}

/** `least` leaves out what is null. */
const prune = statement<{ id: string }>(
  'api_keys.prune',
  `delete from api_keys where id in (
     select id from api_keys
     where least(revoked_at, expires_at) < clock_timestamp() - make_interval(secs => $1::float8)
     limit $2::int for update skip locked
   ) returning id`,
)
