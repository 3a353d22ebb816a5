/**
 * How far LISTEN/NOTIFY carries the feed of revocations: so many processes that all follow and all revoke, at higher
 * and higher rates, until what one of them revoked is heard late by the others.
 *
 *   npm run bench:notify
 *   npm run bench:notify -- --processes 1,4 --rates 100,1000 --seconds 2
 *
 * Each is a process of its own with what a server has of the feed (bench/notify/process.ts). All of them, and
 * PostgreSQL, share the machine's processors, which a fleet does not: what is found here is a lower bound.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { migratePostgres } from '../src/server/database/migrate.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { treeTime } from './machine/processor-time.ts'
import { describeMachine } from './report/machine.ts'
import type { FromProcess, ToProcess } from './notify/process.ts'
import { quantile } from './report/quantiles.ts'

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '1,4,16,64' },
    rates: { type: 'string', default: '100,300,1000,3000,10000' },
    seconds: { type: 'string', default: '10' },
  },
})
const SECONDS = Number(values.seconds)
/** Then a process count is at its end, and higher rates are not tried. Milliseconds. */
const TOO_LATE = 1_000
/** Of what was asked for: whoever writes less is at its end, too. */
const ENOUGH = 0.9
/** What is still on its way is waited for; the feed is read at the latest after five. Seconds. */
const LAST_READING = 6
const PROCESS = fileURLToPath(new URL('notify/process.ts', import.meta.url))

const postgres = await startMeasuredPostgres({ max_connections: 500 })
const databaseUrl = await postgres.createDatabase()
await migratePostgres(databaseUrl)
const database = await findDatabaseProcess(databaseUrl)
try {
  console.log(`${new Date().toISOString().slice(0, 10)}: ${await describeMachine(databaseUrl)}; ${SECONDS} s each\n`)
  console.log(
    '| processes | revocations a second | heard after: median ms | p99 ms | never heard | database µs each | processes µs each |',
  )
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const count of values.processes.split(',').map(Number)) await raise(count, values.rates.split(',').map(Number))
} finally {
  await postgres.stop()
}

async function raise(count: number, rates: readonly number[]): Promise<void> {
  const all: ChildProcess[] = []
  try {
    // One after the other: a crowd that starts at once is slow to connect.
    while (all.length < count) {
      const child = fork(PROCESS, [databaseUrl], { serialization: 'advanced' })
      all.push(child)
      await messageOf(child)
    }
    for (const rate of rates) if (!(await measure(all, rate))) break
  } finally {
    for (const child of all) child.kill('SIGKILL')
    await Promise.all(all.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))))
  }
}

/** @returns whether a higher rate is worth trying */
async function measure(all: readonly ChildProcess[], rate: number): Promise<boolean> {
  const before = timesOf(all)
  const answers = await Promise.all(all.map((child) => ask(child, { rate: rate / all.length, seconds: SECONDS })))
  const written = answers.reduce((sum, answer) => sum + ('written' in answer ? answer.written : 0), 0)
  const after = timesOf(all)
  await sleep(LAST_READING * 1000)
  const told = await Promise.all(all.map((child) => ask(child, { tell: true })))
  const delays = told
    .flatMap((answer) => ('delays' in answer ? answer.delays : []))
    .toSorted((one, other) => one - other)
  const p99 = quantile(delays, 0.99)
  const cells = [
    all.length,
    Math.round(written / SECONDS),
    quantile(delays, 0.5),
    p99,
    written * all.length - delays.length,
    Math.round(((after.database - before.database) * 1e6) / written),
    Math.round(((after.processes - before.processes) * 1e6) / written),
  ]
  console.log(`| ${cells.join(' | ')} |`)
  return p99 < TOO_LATE && written >= ENOUGH * rate * SECONDS
}

function timesOf(all: readonly ChildProcess[]): { database: number; processes: number } {
  return {
    database: database === null ? NaN : treeTime(database),
    processes: all.reduce((sum, { pid = 0 }) => sum + treeTime(pid), 0),
  }
}

function ask(child: ChildProcess, message: ToProcess): Promise<FromProcess> {
  const answer = messageOf(child)
  child.send(message)
  return answer
}

function messageOf(child: ChildProcess): Promise<FromProcess> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('a process ended'))
    child.once('exit', onExit)
    child.once('message', (message: FromProcess) => {
      child.off('exit', onExit)
      resolve(message)
    })
  })
}
