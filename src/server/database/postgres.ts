/** PostgreSQL behind the port: MikroORM's pool, and a connection of its own that listens. */
import { MikroORM } from '@mikro-orm/postgresql'
import pg, { type Pool, type PoolConfig } from 'pg'
import { postgresOptions } from '../../../mikro-orm.config.ts'
import { Unavailable } from '../errors.ts'
import { createUnderWay } from '../under-way.ts'
import { createAnnouncements, EVERYTHING, type Announce } from './announcements.ts'
import type { Database, Queryable } from './database.ts'
import { listenOn } from './listener.ts'
import { checkSettings, SESSION_SETTINGS, setSettings, settingUp } from './session-settings.ts'
import { giveUpOnSilence } from './silence.ts'
import { asUnavailable } from './unavailable.ts'

export interface PostgresSettings {
  /** The database without a pooler, for what listens: it needs a connection of its own. By default the same. */
  readonly directUrl?: string | null
  /** How a pooler in between deals out connections: to whoever connects, or anew for every transaction. */
  readonly pooling?: 'session' | 'transaction'
  /** For statements, at most; what listens has one more. */
  readonly connections?: number
}

/** Longer than the server lets a statement take, so that it is the one that says so. Milliseconds. */
const LONGEST_SILENCE = 4_000

/** Dates and small numbers instead of strings, for our statements and the unit of work alike. */
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)
types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, parseTime)

const parseAnyTime = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => Date

/** In universal time, as most servers give it, by what the engine reads at once. */
function parseTime(text: string): Date {
  const isUniversal = text[10] === ' ' && text.endsWith('+00')
  return isUniversal ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : parseAnyTime(text)
}

const poolSettings: PoolConfig = {
  keepAlive: true,
  application_name: 'hallpass',
  types,
  connectionTimeoutMillis: 2_000,
}

/**
 * @throws {Unavailable} when the server cannot be reached
 * @throws {RoleSettingsMissing} with a pooler in transaction mode
 */
export async function openPostgres(
  url: string,
  onError: (error: Error) => void,
  settings: PostgresSettings = {},
): Promise<Database> {
  const { pooling = 'session', connections: max = 16 } = settings
  const isShared = pooling === 'transaction'
  const setUp = settingUp(async (client) => {
    giveUpOnSilence(client, LONGEST_SILENCE)
    if (!isShared) await setSettings(client, SESSION_SETTINGS)
  })
  const orm = await MikroORM.init(postgresOptions(url, { ...poolSettings, ...setUp, max }))
  const pool = (await orm.em.getConnection().getNativeClient()) as Pool
  const listener = listenOn(settings.directUrl ?? url, onError)
  const announce: Announce = (channel, payload) => listener.announce(channel, payload)
  const bind: Bind = (client, announced) => boundTo(client, announced, { isNamed: !isShared })

  // A pool that ends while a connection is being made keeps that connection, and the process, for ever.
  const underWay = createUnderWay<Promise<unknown>>()
  let isClosed = false

  async function during<Result>(work: () => Promise<Result>): Promise<Result> {
    if (isClosed) throw new Unavailable('the database is closed')
    const working = work()
    const leave = underWay.add(working)
    try {
      return await working
    } catch (error) {
      throw asUnavailable(error)
    } finally {
      leave()
    }
  }

  const database: Database = {
    kind: 'postgresql',
    query: (statement, values) => during(() => bind(pool, announce).query(statement, values)),
    transaction: (work) => during(() => inTransaction(pool, 'begin', work, { bind, announce })),
    snapshot: (work) => during(() => inTransaction(pool, SNAPSHOT, work, { bind, announce })),
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
    await (isShared ? checkSettings(pool) : pool.query('select 1'))
  } catch (error) {
    await database.close()
    throw asUnavailable(error)
  }
  return database
}

type Bind = (client: Pool | pg.PoolClient, announce: Announce) => Queryable

/** A name is known to one connection of the server, and a pooler may send the next transaction to another. */
const boundTo = (client: Pool | pg.PoolClient, announce: Announce, { isNamed }: { isNamed: boolean }): Queryable => ({
  async query({ name, text, announces, about }, values) {
    // Where no answer comes it may be committed all the same. A word too many costs one reading.
    let hasChanged = true
    try {
      const { rows } = await client.query({ ...(isNamed && { name }), text, values: values as unknown[] })
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
  { bind, announce }: { bind: Bind; announce: Announce },
): Promise<Result> {
  const announced = createAnnouncements()
  const client = await pool.connect()
  let lost: Error | undefined
  try {
    await client.query(begin)
    const result = await work(bind(client, announced.add))
    await client.query('commit').finally(() => announced.sendTo(announce))
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => void (lost = failure))
    throw error
  } finally {
    client.release(lost) // what cannot roll back is thrown away, and its transaction with it
  }
}
