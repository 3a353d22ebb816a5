import { expect } from 'chai'
import { makeServiceKey, type Key } from '../../support/api-keys.ts'
import { connectTo } from '../../support/held.ts'
import { createMigratedDatabase } from '../../support/migrated-postgres.ts'
import { readingsDuring, startExplainingPostgres, type Reading } from '../../support/plans.ts'
import type { Postgres } from '../../support/postgres.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { SESSION_REQUESTS, type Scene } from '../../support/session-requests.ts'
import { createSession, createUser } from '../../support/sessions.ts'

const PARTITIONS = 16

/** The very same columns and key: what an engine that distributes by user id does with the table. */
const INTO_PARTITIONS = [
  'alter table sessions rename to sessions_before',
  'alter index sessions_pkey rename to sessions_before_pkey',
  'create table sessions (like sessions_before including all) partition by hash (user_id)',
  ...Array.from(
    { length: PARTITIONS },
    (_, remainder) =>
      `create table sessions_${remainder} partition of sessions
       for values with (modulus ${PARTITIONS}, remainder ${remainder}) with (fillfactor = 80)`,
  ),
  'drop table sessions_before',
]

/** For every statement from its first time on, as PostgreSQL may choose for those that are sent often. */
const PLANNED_FOR_ANY_VALUES = [
  `do $$ begin execute format('alter database %I set plan_cache_mode = force_generic_plan', current_database()); end $$`,
]

/** So many that PostgreSQL has a reason to go by an index. */
const SESSIONS_OF_OTHERS = [
  `insert into sessions (
     user_id, id, secret_hash, idempotency_hashes, client_id, transport, persistent, amr, authenticated_at,
     created_at, last_used_at, idle_expires_at, absolute_expires_at, device_label, device_type, user_agent)
   select md5((row / 3)::text)::uuid, gen_random_uuid(), sha256(row::text::bytea), decode(repeat('00', 64), 'hex'),
     'default', 'body', true, '{pwd}', now(), now(), now(), now() + interval '30 days', now() + interval '1 year',
     'Chrome on Windows', 'desktop', repeat('Mozilla/5.0 ', 10)
   from generate_series(1, 20000) as row`,
  'analyze sessions',
]

/** Pruning walks the whole table, and by intention. */
const NO_PRUNING = `insert into upkeep (task, next_at) values ('sessions', 'infinity')`

describe('Sessions are found', function () {
  this.timeout(60_000)

  let postgres: Postgres
  before(async () => (postgres = await startExplainingPostgres()))
  after(() => postgres.stop())

  describe('by their primary key', () => inEveryRequest([], expectKey))

  describe(`of ${PARTITIONS} partitions by user id in one alone, and there by their primary key`, () => {
    inEveryRequest(INTO_PARTITIONS, expectKeyOfOnePartition)

    describe('with plans for any values', () => {
      inEveryRequest([...INTO_PARTITIONS, ...PLANNED_FOR_ANY_VALUES], expectKeyOfOnePartition)
    })
  })

  /** @param preparation of the database, before the service starts on it */
  function inEveryRequest(
    preparation: readonly string[],
    expectRightly: (readings: readonly Reading[], statement: string) => void,
  ): void {
    let server: TestServer
    let operator: Key
    before(async () => {
      const databaseUrl = await createMigratedDatabase(postgres)
      const sql = await connectTo(databaseUrl)
      for (const statement of [...preparation, NO_PRUNING]) await sql.query(statement)
      server = await startServer('postgresql', { DATABASE_URL: databaseUrl, HALLPASS_RATE_LIMITS: 'on' })
      for (const statement of SESSIONS_OF_OTHERS) await sql.query(statement)
      await sql.end()
      operator = await makeServiceKey(server, 'admin introspect')
    })
    after(async () => {
      await server.stop()
      await postgres.dropDatabase(server.databaseUrl ?? '')
    })

    const aScene = async (): Promise<Scene> => {
      const userId = await createUser(server)
      return {
        server,
        url: server.url,
        operator,
        phone: await createSession(server, userId),
        laptop: await createSession(server, userId),
        browser: await createSession(server, userId, { transport: 'cookie' }),
      }
    }

    for (const [name, prepare] of Object.entries(SESSION_REQUESTS)) {
      it(`in ${name}`, async () => {
        const request = await prepare(await aScene())
        const readings = await readingsDuring(postgres, 'sessions', request)
        expect(readings).not.to.have.property('size', 0)
        for (const [statement, each] of readings) expectRightly(each, statement)
      })
    }
  }
})

function expectKey(readings: readonly Reading[], statement: string): void {
  for (const { index, condition } of readings) {
    expect(index, statement).to.match(/^sessions(_\d+)?_pkey$/)
    expect(condition, statement).to.contain('user_id = ')
  }
}

function expectKeyOfOnePartition(readings: readonly Reading[], statement: string): void {
  expectKey(readings, statement)
  expect(new Set(readings.map(({ relation }) => relation)), statement).to.have.property('size', 1)
}
