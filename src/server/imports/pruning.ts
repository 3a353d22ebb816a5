/** Old tokens whose sessions are over: nobody can exchange them any more. */
import { statement, type Database } from '../database/database.ts'
import { inPieces } from '../upkeep/in-pieces.ts'

const BATCH = 1_000

export async function pruneImportedTokens(database: Pick<Database, 'query'>, signal: AbortSignal): Promise<void> {
  await inPieces(signal, async () => (await database.query(prune, [BATCH])).length === BATCH)
}

const prune = statement<{ session_id: string }>(
  'imports.prune',
  `delete from imported_tokens where token_hash in (
     select token_hash from imported_tokens where expires_at < clock_timestamp()
     limit $1::int for update skip locked
   ) returning session_id`,
)
