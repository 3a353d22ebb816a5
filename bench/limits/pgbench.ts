/** The same statement by pgbench: what PostgreSQL could do if nothing stood before it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { usersOf } from '../fleet/fleet.ts'
import type { Result } from '../load/load.ts'
import type { Part } from '../load/part.ts'
import { createSamples } from '../load/samples.ts'
import { costsBetween, readTimes } from '../machine/costs.ts'
import { rotationInSql } from './rotation-in-sql.ts'

/** Part of Debian's postgresql-contrib, of Homebrew's postgresql, and of whatever else brings PostgreSQL's programs. */
export const isPgbenchInstalled = (): boolean => spawnSync('pgbench', ['--version']).status === 0

export interface PgbenchRun {
  readonly databaseUrl: string
  /** Of our own fleet, and the part of it that is refreshed. */
  readonly sessions: number
  readonly part: Part
  readonly connections: number
  /** Seconds, from the first answer on. */
  readonly warmUp: number
  readonly seconds: number
  readonly database: number | null
}

/** The tokens of these sessions are of the past afterwards: to refresh them with what a load has kept would be reuse. */
export async function runPgbench(run: PgbenchRun): Promise<Result> {
  await demandOneRow(run.databaseUrl, await rotationInSql('0::bigint', '0::bigint'))
  const directory = mkdtempSync(join(tmpdir(), 'hallpass-pgbench-'))
  try {
    const script = join(directory, 'rotate.sql')
    writeFileSync(script, await scriptFor(run))
    // Longer than it is left alone: it counts the time in which it connects.
    const longest = Math.ceil(run.warmUp + run.seconds) + 60
    const options = ['-n', '-M', 'prepared', '-c', String(run.connections), '-T', String(longest), '-f', script]
    const log = ['-l', `--log-prefix=${join(directory, 'log')}`]
    const pgbench = spawn('pgbench', [...options, ...log, run.databaseUrl], { stdio: ['ignore', 'ignore', 'pipe'] })
    return await measure(pgbench, directory, run)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Or pgbench would measure how fast nothing is found. */
async function demandOneRow(databaseUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rowCount } = await client.query(statement)
    if (rowCount !== 1) throw new Error(`the statement touched ${rowCount} rows of the fleet, and should touch one`)
  } finally {
    await client.end()
  }
}

async function scriptFor({ sessions, part }: PgbenchRun): Promise<string> {
  const statement = (await rotationInSql(':session::bigint', ':user::bigint')).replaceAll(/\s+/g, ' ')
  return `\\set session random(${part.from}, ${part.to - 1})\n\\set user mod(:session, ${usersOf(sessions)})\n${statement};\n`
}

/** What it writes to its log a little later. Milliseconds. */
const UNTIL_WRITTEN = 500

async function measure(
  pgbench: ChildProcess,
  directory: string,
  { connections, warmUp, seconds, database }: PgbenchRun,
): Promise<Result> {
  let output = ''
  let hasEnded = false
  pgbench.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = once(pgbench, 'close').then(() => (hasEnded = true))
  try {
    while (!hasEnded && logsIn(directory).every((path) => statSync(path).size === 0)) await sleep(20)
    await sleep(warmUp * 1000)
    if (hasEnded) throw new Error(`pgbench: ${output}`)
    const [begin, before] = [Date.now(), readTimes({ server: [], database, load: pgbench.pid ?? 0 })]
    await sleep(seconds * 1000)
    const [end, after] = [Date.now(), readTimes({ server: [], database, load: pgbench.pid ?? 0 })]
    await sleep(UNTIL_WRITTEN)

    const samples = createSamples()
    samples.begin()
    for (const { at, took } of transactionsIn(directory)) if (at >= begin && at < end) samples.add(took, null)
    const summary = samples.end()
    const { lasted, cpu } = costsBetween(before, after, summary.requests)
    return { ...summary, connections, perSecond: summary.requests / lasted, cpu }
  } finally {
    pgbench.kill('SIGKILL')
    await ended
  }
}

const logsIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith('log.'))
    .map((name) => join(directory, name))

/** A line is: client, number, microseconds, script, and when it ended in seconds and microseconds. Both here in milliseconds. */
function* transactionsIn(directory: string): Generator<{ at: number; took: number }> {
  for (const path of logsIn(directory)) {
    for (const line of readFileSync(path, 'latin1').split('\n')) {
      const [, , took, , seconds, microseconds] = line.split(' ').map(Number)
      if (took === undefined || seconds === undefined || microseconds === undefined) continue
      yield { at: seconds * 1000 + microseconds / 1000, took: took / 1000 }
    }
  }
}
