/** PostgreSQL behind the port: MikroORM's pool, and a connection of its own that listens. */
import { MikroORM } from '@mikro-orm/postgresql'
import { CompiledQuery } from 'kysely'
import pg, { type Pool, type PoolConfig } from 'pg'
import { postgresOptions } from '../../../mikro-orm.config.ts'
import type { Database } from './database.ts'
import { listenOn } from './listener.ts'
import { Unavailable } from '../errors.ts'
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

  // A pool that ends while a connection is being made keeps that connection, and the process, for ever.
  const underWay = new Set<Promise<unknown>>()
  let isClosed = false

  async function during<Result>(work: () => Promise<Result>): Promise<Result> {
    if (isClosed) throw new Unavailable('the database is closed')
    const working = work()
    underWay.add(working)
    try {
      return await working
    } catch (error) {
      throw asUnavailable(error)
    } finally {
      underWay.delete(working)
    }
  }

  const database: Database = {
    kind: 'postgresql',
    query: ({ name, text }, values) =>
      during(async () => {
        const { rows } = await pool.query({ name, text, values: values as unknown[] })
        return rows
      }),
    transaction: (work) =>
      during(() =>
        orm.em.fork().transactional((em) =>
          work({
            em,
            async query({ text }, values) {
              const { rows } = await em.getKysely().executeQuery(CompiledQuery.raw(text, [...values]))
              return rows as never[]
            },
          }),
        ),
      ),
    unitOfWork: (work) => during(() => work(orm.em.fork())),
    listen: (channel, onNotification, onGap) => listener.listen(channel, onNotification, onGap),
    async close() {
      await listener.close()
      isClosed = true
      await Promise.allSettled(underWay)
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
