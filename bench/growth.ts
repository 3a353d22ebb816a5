/**
 * What becomes dearer as sessions grow in number: refresh in the steady state, and everything else that is done to
 * them; bytes, write-ahead log and vacuum; and what follows for numbers that no such machine holds.
 *
 *   npm ci --prefix bench       once, for what loads the fleet
 *   npm run bench:growth                                                   10^4 to 10^7, most of an hour
 *   npm run bench:growth -- --sessions 10000,100000 --interval 30 --seconds 1     a look
 *   npm run bench:growth -- --sessions 10000000 --settings shared_buffers=6GB --interval 900
 *
 * Each size has a database of its own. *Steady* is a whole checkpoint interval, after another one under the same load:
 * in the first minutes after a checkpoint, or after a load, the first change of every page writes the whole page into
 * the write-ahead log, which makes large tables look dear and is no state that lasts. PostgreSQL is one of our own
 * with durable commits.
 */
import { parseArgs } from 'node:util'
import pg from 'pg'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { startServer, TEST_SECRET } from '../test/support/server.ts'
import { fillFleet } from './fleet/fill.ts'
import { printExpectations, wholePagesExpected, type Size } from './growth/expectations.ts'
import { measureOperations, type OperationRates } from './growth/operations.ts'
import { refreshSteadily, type Steady } from './growth/steady.ts'
import { readShape } from './growth/table.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { describeMachine } from './report/machine.ts'
import { startHallpass } from './services/hallpass.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000,100000,1000000,10000000' },
    /** Between two checkpoints, and as long as the steady state is measured. Seconds; PostgreSQL takes 30 at least. */
    interval: { type: 'string', default: '300' },
    /** Of each other operation. */
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '64' },
    /** Further settings of PostgreSQL: `shared_buffers=6GB,wal_compression=pglz`. */
    settings: { type: 'string', default: '' },
  },
})
const interval = Number(values.interval)
const settings = values.settings.split(',').filter(Boolean)

interface Measured extends Size {
  readonly steady: Steady
  readonly rates: OperationRates
}

const postgres = await startMeasuredPostgres({
  checkpoint_timeout: `${interval}s`,
  // Or the log's size would call for checkpoints before their time.
  max_wal_size: '24GB',
  autovacuum_naptime: '10s',
  ...Object.fromEntries(settings.map((each) => each.split('='))),
})
const all: Measured[] = []
try {
  const machine = await describeMachine(postgres.url('postgres'))
  console.log(`${[machine, `checkpoints every ${interval} s`, ...settings].join(', ')}\n`)
  for (const sessions of values.sessions.split(',').map(Number)) all.push(await measure(sessions))
} finally {
  await postgres.stop()
  await stopSharedMailServer()
}
printRates()
printSteady()
printVacuums()
printExpectations(all)

async function measure(sessions: number): Promise<Measured> {
  const databaseUrl = await postgres.createDatabase()
  const service = await startHallpass({
    databaseUrl,
    secret: TEST_SECRET,
    // A fleet of 10,000 would be refreshed more often than the limit allows.
    environment: { HALLPASS_RATE_LIMITS: 'off' },
  })
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  try {
    const begin = performance.now()
    await fillFleet({ sessions, url: service.url, databaseUrl })
    console.log(`${inWords(sessions)} sessions in ${((performance.now() - begin) / 1000).toFixed(0)} s`)
    const shape = await readShape(pool)
    const steady = await refreshSteadily({
      pool,
      service,
      sessions,
      interval,
      connections: Number(values.connections),
      database: await findDatabaseProcess(databaseUrl),
    })
    await service.stop()
    const aside = await startServer('postgresql', { DATABASE_URL: databaseUrl, HALLPASS_SECRET: TEST_SECRET })
    try {
      return {
        sessions,
        shape,
        steady,
        rates: await measureOperations({ aside, pool, sessions, seconds: Number(values.seconds) }),
      }
    } finally {
      await aside.stop()
    }
  } finally {
    await service.stop()
    await pool.end()
    await postgres.dropDatabase(databaseUrl)
  }
}

function printRates(): void {
  const names = Object.keys(all[0]?.rates ?? {}) as (keyof OperationRates)[]
  console.log(`\n| sessions | refresh a second | p50 ms | p99 ms | server µs | database µs | ${names.join(' | ')} |`)
  console.log(`|---:|---:|---:|---:|---:|---:|${names.map(() => '---:|').join('')}`)
  for (const { sessions, steady, rates } of all) {
    const { perSecond, p50, p99, server, database } = steady
    const cells = [whole(perSecond), p50.toFixed(1), p99.toFixed(1), whole(server), whole(database)]
    console.log(`| ${inWords(sessions)} | ${[...cells, ...names.map((name) => whole(rates[name]))].join(' | ')} |`)
  }
}

function printSteady(): void {
  console.log(
    '\n| sessions | heap-only | log, bytes a refresh | whole pages in it | by the model | table before, MB | after | dead rows at most | vacuums by itself |',
  )
  console.log('|---:|---:|---:|---:|---:|---:|---:|---:|---:|')
  for (const { sessions, shape, steady } of all) {
    const { heapOnly, refreshes, logBytes, logPages, before, after, deadRows, vacuums } = steady
    const cells = [
      `${(heapOnly * 100).toFixed(1)} %`,
      whole(logBytes),
      logPages.toFixed(3),
      wholePagesExpected(shape, refreshes).toFixed(3),
      whole(before / 2 ** 20),
      whole(after / 2 ** 20),
      whole(deadRows),
      whole(vacuums),
    ]
    console.log(`| ${inWords(sessions)} | ${cells.join(' | ')} |`)
  }
}

function printVacuums(): void {
  console.log('\n| sessions | a vacuum that freezes, s | refreshes a second meanwhile | p99 ms | p99 ms before |')
  console.log('|---:|---:|---:|---:|---:|')
  for (const { sessions, steady } of all) {
    const { seconds, perSecond, p99 } = steady.vacuum
    const cells = [seconds.toFixed(1), whole(perSecond), p99.toFixed(1), steady.p99.toFixed(1)]
    console.log(`| ${inWords(sessions)} | ${cells.join(' | ')} |`)
  }
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en')
}

function inWords(sessions: number): string {
  return sessions.toLocaleString('en')
}
