/** What PostgreSQL itself has to do for a refresh, beside the smallest update there is: one row, found by its key. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import type { Database } from '../../src/server/database/database.ts'
import { createRotation, type Rotation } from '../../src/server/sessions/rotation.ts'
import { seenOf } from '../../src/server/sessions/seen.ts'
import { startServer } from '../../test/support/server.ts'
import { createSession, createUser } from '../../test/support/sessions.ts'
import { secretHashInSql, sessionIdInSql, userIdInSql } from '../fleet/fleet-in-sql.ts'
import { firstTokenOf } from '../fleet/fleet.ts'
import type { Figure } from './figure.ts'
import { ratioInTurns, type Turn } from './in-turns.ts'

/** So many that PostgreSQL goes by the key. */
const SESSIONS = 20_000
/** Rows that are changed in a turn. */
const A_TURN = 260
const A_TURN_TOGETHER = 1_300
/** One goes alone, and meanwhile a whole group has come together (database/groups.ts). */
const AT_ONCE = 65
const TURNS = 25

/** @param databaseUrl an empty database of a server that logs no full pages: their number is chance */
export async function measureRotation(databaseUrl: string): Promise<Figure[]> {
  const client = await fill(databaseUrl)
  try {
    const backend = await backendOf(client)
    const refreshAll = refreshing(client)
    const turnOf = (rows: number, work: () => Promise<void>): Turn => {
      return async () => (await timeOf(backend, work)) / rows
    }
    const yardstick = turnOf(A_TURN, () => update(client, A_TURN))
    const oneByOne = turnOf(A_TURN, () => refreshAll(A_TURN, 1))
    const inGroups = turnOf(A_TURN_TOGETHER, () => refreshAll(A_TURN_TOGETHER, AT_ONCE))
    for (const warmUp of [oneByOne, inGroups, yardstick]) await warmUp()

    const alone = await ratioInTurns({ work: oneByOne, yardstick, turns: TURNS })
    const together = await ratioInTurns({ work: inGroups, yardstick, turns: TURNS })
    const unit = 'updates by key'
    return [
      { name: 'PostgreSQL for a refresh alone', value: alone, unit, allowed: 0.15 },
      { name: `PostgreSQL for a refresh of ${AT_ONCE} at once`, value: together, unit, allowed: 0.3 },
      { name: 'WAL of a refresh', value: await logged(client, refreshAll), unit: 'bytes', allowed: 0.01 },
    ]
  } finally {
    await client.end()
  }
}

/** Sessions as the service leaves them (fleet.ts), and a table of the yardstick with as many rows. */
async function fill(databaseUrl: string): Promise<pg.Client> {
  const server = await startServer('postgresql', { DATABASE_URL: databaseUrl })
  await createSession(server, await createUser(server))
  await server.stop()

  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(
    `insert into sessions
     select (jsonb_populate_record(model, jsonb_build_object(
       'user_id', ${userIdInSql('number % 2000')}, 'id', ${sessionIdInSql('number')},
       'secret_hash', ${secretHashInSql('number')}))).*
     from sessions as model, generate_series(0, ${SESSIONS - 1}::bigint) as number`,
  )
  await client.query(`create table yardstick (id uuid primary key, count bigint not null) with (fillfactor = 80)`)
  await client.query(`insert into yardstick select id, 0 from sessions`)
  await client.query('vacuum (analyze)')
  return client
}

type RefreshAll = (rows: number, atOnce: number) => Promise<void>

function refreshing(client: pg.Client): RefreshAll {
  const rotation = rotationThrough(client)
  const generations = new Map<number, number>()
  let count = 0

  async function refreshOne(): Promise<void> {
    const session = (count++ * 7919) % SESSIONS
    const generation = generations.get(session) ?? 0
    generations.set(session, generation + 1)
    const row = await rotation.rotate(
      { ...firstTokenOf(session, SESSIONS), generation },
      { refreshToken: '', transport: 'body', clientId: null, idempotencyKey: `${session} ${generation}`, ip: null },
      { headers: {}, ip: null, seen: seenOf({}, null) },
    )
    if (row === undefined) throw new Error('a session was not refreshed')
  }

  return async (rows, atOnce) => {
    for (let done = 0; done < rows; done += atOnce) await Promise.all(Array.from({ length: atOnce }, refreshOne))
  }
}

function rotationThrough(client: pg.Client): Rotation {
  const database: Pick<Database, 'query'> = {
    query: async ({ name, text }, values) => (await client.query({ name, text, values: values as unknown[] })).rows,
  }
  return createRotation({
    database: database as Database,
    policies: { idleAfter: null },
    terms: { ownIdleTtls: () => '{}' },
    settings: { idleTtl: 30 * 24 * 60 * 60, refreshGroups: true },
  })
}

async function update(client: pg.Client, rows: number): Promise<void> {
  for (let done = 0; done < rows; done += 1) {
    await client.query({
      name: 'yardstick',
      text: 'update yardstick set count = count + 1 where id = $1::uuid returning count',
      values: [firstTokenOf((done * 7919) % SESSIONS, SESSIONS).sessionId],
    })
  }
}

async function backendOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}

/** @returns nanoseconds that the backend ran meanwhile */
async function timeOf(backend: number, work: () => Promise<void>): Promise<number> {
  const read = (): number => Number(readFileSync(`/proc/${backend}/schedstat`, 'latin1').split(' ')[0])
  const before = read()
  await work()
  return read() - before
}

async function logged(client: pg.Client, refreshAll: RefreshAll): Promise<number> {
  const read = async (): Promise<number> => {
    const { rows } = await client.query<{ at: string }>(`select pg_current_wal_insert_lsn() - '0/0' as at`)
    return Number(rows[0]?.at)
  }
  const before = await read()
  await refreshAll(A_TURN, 1)
  return ((await read()) - before) / A_TURN
}
