/**
 * What PgBouncer costs a refresh: none of it, session mode, and transaction mode, where statements are not prepared.
 *
 *   apt-get install pgbouncer
 *   npm ci --prefix bench
 *   npm run bench:pgbouncer
 *   npm run bench:pgbouncer -- --connections 64 --rounds 1 --seconds 2 --heat-up 1 --sessions 20000
 *
 * Its processor time counts as the server's.
 */
import pg from 'pg'
import { SESSION_SETTINGS } from '../src/server/database/session-settings.ts'
import { startPgBouncer } from '../test/support/pgbouncer.ts'
import type { Postgres } from '../test/support/postgres.ts'
import { compareSettings, type Setting } from './settings-in-turns.ts'

/** For transaction mode: as many as one process has without it. */
const CONNECTIONS = 16

await compareSettings('pgbouncer', [direct, session, transaction])

async function direct(postgres: Postgres): Promise<Setting> {
  return { name: 'direct', databaseUrl: await postgres.createDatabase(), environment: {} }
}

async function session(postgres: Postgres): Promise<Setting> {
  const databaseUrl = await postgres.createDatabase()
  const beside = await startPgBouncer(databaseUrl, { mode: 'session', connections: 40 })
  return { name: 'PgBouncer, session', databaseUrl, beside, environment: { DATABASE_URL: beside.url } }
}

async function transaction(postgres: Postgres): Promise<Setting> {
  const databaseUrl = await postgres.createDatabase()
  await setForRole(databaseUrl)
  const beside = await startPgBouncer(databaseUrl, { mode: 'transaction', connections: CONNECTIONS })
  return {
    name: 'PgBouncer, transaction',
    databaseUrl,
    beside,
    environment: {
      DATABASE_URL: beside.url,
      HALLPASS_DATABASE_POOLING: 'transaction',
      HALLPASS_DATABASE_DIRECT_URL: databaseUrl,
    },
  }
}

/** As docs/scaling.md has it, for this database alone. */
async function setForRole(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const database = pg.escapeIdentifier(new URL(databaseUrl).pathname.slice(1))
  for (const [name, value] of Object.entries(SESSION_SETTINGS)) {
    await client.query(`alter role current_user in database ${database} set ${name} = ${pg.escapeLiteral(value)}`)
  }
  await client.end()
}
