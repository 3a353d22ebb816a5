/** PostgreSQL behind the port: MikroORM's pool, and a connection of its own that listens. */
import { MikroORM } from '@mikro-orm/postgresql'
import pg, { type Pool, type PoolConfig } from 'pg'
import { postgresOptions } from '../../../mikro-orm.config.ts'
import { Unavailable } from '../errors.ts'
import { createAnnouncements, EVERYTHING, type Announce } from './announcements.ts'
import type { Database, Queryable } from './database.ts'
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
 * synchronous, a commit waits until they show it; the refresh statement lowers that for itself. The
 * driver reads dates in ISO style only.
 */
const SESSION = '-c default_transaction_isolation=read\\ committed -c synchronous_commit=remote_apply -c datestyle=iso'

/** Dates and small numbers instead of strings, for our statements and the unit of work alike. */
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)

const poolSettings: PoolConfig = {
  max: 16,
  keepAlive: true,
  application_name: 'hallpass',
  options: SESSION,
  types,
  ...TIMEOUTS,
}

/** @throws {Unavailable} when the server cannot be reached */
export async function openPostgres(url: string, onError: (error: Error) => void): Promise<Database> {
  const orm = await MikroORM.init(postgresOptions(url, poolSettings))
  const pool = (await orm.em.getConnection().getNativeClient()) as Pool
  const listener = listenOn(url, onError)
  const announce: Announce = (channel, payload) => listener.announce(channel, payload)

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
    query: (statement, values) => during(() => boundTo(pool, announce).query(statement, values)),
    transaction: (work) => during(() => inTransaction(pool, 'begin', work, announce)),
    snapshot: (work) => during(() => inTransaction(pool, SNAPSHOT, work, announce)),
    unitOfWork: (work) => during(() => work(orm.em.fork())),
    listen: (channel, onNotification, onGap) => listener.listen(channel, onNotification, onGap),
    async close() {
      try {
        await listener.close()
      } finally {
        isClosed = true
        await Promise.allSettled(underWay)
        await orm.close()
      }
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

const boundTo = (client: Pool | pg.PoolClient, announce: Announce): Queryable => ({
  async query({ name, text, announces, about }, values) {
    // Where no answer comes it may be committed all the same. A word too many costs one reading.
    let hasChanged = true
    try {
      const { rows } = await client.query({ name, text, values: values as unknown[] })
      hasChanged = rows.length > 0
      return rows
    } finally {
      if (announces !== undefined && hasChanged) announce(announces, about?.(values) ?? EVERYTHING)
    }
  },
})

/** Whoever reads it may write to a slow disk in between. */
const SNAPSHOT =
  'begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = 60000'

/**
 * By hand: MikroORM's transactions keep their connection for ever when they cannot roll back
 * (measured: after 16 lost connections the pool was empty).
 */
async function inTransaction<Result>(
  pool: Pool,
  begin: string,
  work: (tx: Queryable) => Promise<Result>,
  announce: Announce,
): Promise<Result> {
  const announced = createAnnouncements()
  const client = await pool.connect()
  let lost: Error | undefined
  try {
    await client.query(begin)
    const result = await work(boundTo(client, announced.add))
    await client.query('commit').finally(() => announced.sendTo(announce))
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => void (lost = failure))
    throw error
  } finally {
    client.release(lost) // what cannot roll back is thrown away, and its transaction with it
  }
}
