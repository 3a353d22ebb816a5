/**
 * Brings the schema up to date, once, however many processes start together: MikroORM's migrator takes
 * no lock of its own, so one of PostgreSQL's is held around it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MikroORM as PostgresOrm } from '@mikro-orm/postgresql'
import type { MikroORM as PgliteOrm } from '@mikro-orm/pglite'
import pg from 'pg'
import { postgresOptions } from '../../../mikro-orm.config.ts'
import { Unavailable } from '../errors.ts'
import { setSettings, settingUp } from './session-settings.ts'
import { asUnavailable } from './unavailable.ts'

/** Names our advisory lock among those of other programs: "hallpass" in ASCII, shortened. */
const LOCK_KEY = 0x68616c6c
/** How long a process waits for another one's migration. Milliseconds. */
const PATIENCE = 60_000
/**
 * A statement that waits for a busy table holds up everybody behind it (measured: 3 s): it gives up and comes again.
 * Once it runs it may take long, whatever the role's own time-out.
 */
const SETTINGS = { lock_timeout: '200ms', statement_timeout: '0', idle_in_transaction_session_timeout: '0' }

/**
 * @param url without a pooler in transaction mode: the lock belongs to a connection
 * @returns the names of the migrations that were run
 * @throws {Unavailable} when the database cannot be reached, or another process migrates for over a minute
 */
export async function migratePostgres(url: string): Promise<string[]> {
  const guard = new pg.Client({
    connectionString: url,
    application_name: 'hallpass migrations',
    connectionTimeoutMillis: 5_000,
  })
  guard.on('error', () => undefined)
  try {
    await guard.connect()
    await takeLock(guard)
    return await untilUnlocked(async () => {
      const orm = await PostgresOrm.init(
        postgresOptions(url, { max: 1, ...settingUp((client) => setSettings(client, SETTINGS)) }),
      )
      try {
        return (await orm.migrator.up()).map(({ name }) => name)
      } finally {
        await orm.close()
      }
    })
  } catch (error) {
    throw asUnavailable(error)
  } finally {
    await guard.end() // and with it the lock
  }
}

/** The embedded store has one process only, and that one holds the directory's lock. */
export const migrateEmbedded = async (orm: PgliteOrm): Promise<string[]> =>
  (await orm.migrator.up()).map(({ name }) => name)

async function takeLock(client: pg.Client): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [LOCK_KEY])
    if (rows[0]?.locked === true) return
    if (Date.now() > deadline) {
      throw new Unavailable('another process has been migrating this database for over a minute; look at its log')
    }
    await sleep(100 + Math.random() * 100)
  }
}

async function untilUnlocked<Result>(work: () => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isLocked = error instanceof Error && 'code' in error && error.code === '55P03'
      if (!isLocked || Date.now() > deadline) throw error
      await sleep(200 + Math.random() * 300)
    }
  }
}
