/** PostgreSQL behind the port: MikroORM's pool, and a connection of its own that listens. */
import { MikroORM } from '@mikro-orm/postgresql'
import { CompiledQuery } from 'kysely'
import pg, { type Pool, type PoolConfig } from 'pg'
import { postgresOptions } from '../../../mikro-orm.config.ts'
import type { Database } from './database.ts'
import { listenOn } from './listener.ts'
import { asUnavailable } from './unavailable.ts'

/** Everything has an end, and each end lies before the HTTP request's. Milliseconds. */
const TIMEOUTS = {
  connectionTimeoutMillis: 2_000,
  statement_timeout: 3_000,
  lock_timeout: 1_000,
  idle_in_transaction_session_timeout: 5_000,
  /** For a server that went silent: the driver gives up by itself. */
  query_timeout: 4_000,
} satisfies PoolConfig

/**
 * READ COMMITTED whatever the server's default: the refresh rules rest on it. Where standbys are
 * synchronous, a commit waits until they show it; the refresh statement lowers that for itself.
 */
const SESSION = '-c default_transaction_isolation=read\\ committed -c synchronous_commit=remote_apply'

/** Dates and small numbers instead of strings, for our statements and the unit of work alike. */
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)

const poolSettings = (overrides: PoolConfig = {}): PoolConfig => ({
  max: 16,
  keepAlive: true,
  application_name: 'hallpass',
  options: SESSION,
  types,
  ...TIMEOUTS,
  ...overrides,
})

/** @throws {Unavailable} when the server cannot be reached */
export async function openPostgres(url: string, onError: (error: Error) => void): Promise<Database> {
  const orm = await MikroORM.init(postgresOptions(url, poolSettings()))
  const pool = (await orm.em.getConnection().getNativeClient()) as Pool
  const listener = listenOn(url, onError)

  const database: Database = {
    kind: 'postgresql',
    async query({ name, text }, values) {
      try {
        const { rows } = await pool.query({ name, text, values: values as unknown[] })
        return rows
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    async transaction(work) {
      try {
        return await orm.em.fork().transactional((em) =>
          work({
            em,
            async query({ text }, values) {
              const { rows } = await em.getKysely().executeQuery(CompiledQuery.raw(text, [...values]))
              return rows as never[]
            },
          }),
        )
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    async unitOfWork(work) {
      try {
        return await work(orm.em.fork())
      } catch (error) {
        throw asUnavailable(error)
      }
    },
    listen: (channel, onNotification, onGap) => listener.listen(channel, onNotification, onGap),
    async close() {
      await listener.close()
      await orm.close()
    },
  }
  try {
    await pool.query('select 1')
  } catch (error) {
    await database.close()
    throw asUnavailable(error)
  }
  return database
}
