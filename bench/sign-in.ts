/**
 * What refreshes feel of people who sign in, 500 at once: passwords are hashed at full cost, so many at a time, and
 * whoever finds the line full is told to come again.
 *
 *   npm ci --prefix bench
 *   npm run bench:sign-in
 *   npm run bench:sign-in -- --seconds 2 --rounds 1 --people 100
 *   npm run bench:sign-in -- --server-dir ../before
 *
 * One server process with its defaults on a durable PostgreSQL of its own (or BENCH_DATABASE_URL).
 */
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { fillFleet } from './fleet/fill.ts'
import { usersOf } from './fleet/fleet.ts'
import { startLoad, type Result } from './load/load.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { forgetPeak, peakMemory, residentMemory } from './machine/memory.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { describeMachine } from './report/machine.ts'
import { startHallpass } from './services/hallpass.ts'
import { signIn } from './sign-in/crowd.ts'
import { tableOf, type Case, type Round } from './sign-in/table.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    people: { type: 'string', default: '500' },
    sessions: { type: 'string', default: '100000' },
    'server-dir': { type: 'string' },
  },
})
const SECONDS = Number(values.seconds)
const ROUNDS = Number(values.rounds)
const PEOPLE = Number(values.people)
const SESSIONS = Number(values.sessions)

const STEADY = { connections: 64, rate: 500 }
const FULL_SPEED = { connections: 16 }
const CASES: readonly Case[] = [
  { refreshes: null, crowd: 'patient' },
  { refreshes: STEADY, crowd: null },
  { refreshes: STEADY, crowd: 'patient' },
  { refreshes: STEADY, crowd: 'impatient' },
  { refreshes: FULL_SPEED, crowd: null },
  { refreshes: FULL_SPEED, crowd: 'patient' },
]

const postgres = await startMeasuredPostgres()
const databaseUrl = await postgres.createDatabase()
const service = await startHallpass({
  databaseUrl,
  environment: { HALLPASS_TRUSTED_PROXIES: '127.0.0.1/32' }, // the crowd comes from many networks
  ...(values['server-dir'] === undefined ? {} : { directory: values['server-dir'] }),
})
const atRest = residentMemory(service.pid)
await fillFleet({ sessions: SESSIONS, url: service.url, databaseUrl })
const load = await startLoad({ name: 'refresh', options: { sessions: SESSIONS, secret: service.secret } })
const watched = { urls: [service.url], server: [service.pid], database: await findDatabaseProcess(databaseUrl) }
try {
  for (const each of CASES) await measure(each, 2) // everything once, compiled and cached
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const each of CASES) rounds.push(await measure(each, SECONDS))
  }
  console.log(`${await describeMachine(databaseUrl)}; ${PEOPLE} people, medians of ${ROUNDS} rounds of ${SECONDS} s`)
  console.log(`\n${tableOf(CASES, rounds)}\n\nResident before anybody came: ${Math.round(atRest / 2 ** 20)} MB`)
} finally {
  load.stop()
  await service.stop()
  await postgres.stop()
  await stopSharedMailServer()
}

async function measure(each: Case, seconds: number): Promise<Round> {
  forgetPeak(service.pid)
  const refreshing: Promise<Result | null> =
    each.refreshes === null
      ? sleep(seconds * 1000, null)
      : load.run({ ...each.refreshes, ...watched, warmUp: 0, seconds })
  const [refreshes, entry] = await Promise.all([
    refreshing,
    each.crowd && signIn(service.url, { people: PEOPLE, users: usersOf(SESSIONS), manners: each.crowd }, refreshing),
  ])
  const round = { case: each, refreshes, entry, peak: peakMemory(service.pid) }
  console.log(tableOf([each], [round]).split('\n').at(-1))
  return round
}
