/**
 * How many refreshes one, two and four workers answer (HALLPASS_WORKERS), in turns. Load, service and PostgreSQL share
 * the machine's processors: more workers than it has left for them bring nothing.
 *
 *   npm ci --prefix bench
 *   npm run bench:workers
 *   npm run bench:workers -- --connections 64 --rounds 1 --seconds 2 --heat-up 1 --sessions 20000
 */
import { compareSettings } from './settings-in-turns.ts'

const WORKERS = [1, 2, 4]

await compareSettings(
  'workers',
  WORKERS.map((workers) => async (postgres) => ({
    name: workers === 1 ? '1 process' : `${workers} workers`,
    databaseUrl: await postgres.createDatabase(),
    environment: { HALLPASS_WORKERS: String(workers) },
  })),
)
