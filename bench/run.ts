/**
 * Ours beside what people would use otherwise, and beside what the parts allow: everything on one machine, in turns
 * (A B C A B C), medians of rounds.
 *
 *   npm ci --prefix bench                                  the others
 *   npm run bench                                          all of it, into docs/benchmarks.md
 *   npm run bench -- --quick                               under three minutes; printed, not written
 *   npm run bench -- --only refresh,list --connections 64 --rounds 3 --seconds 5 --sessions 100000
 *   npm run bench -- --only refresh --server-dir ../before     another checkout in the others' place: A B A B
 *
 * PostgreSQL is one of our own with durable commits, or the one that BENCH_DATABASE_URL names.
 */
import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { stopSharedMailServer } from '../test/support/mail.ts'
import type { Postgres } from '../test/support/postgres.ts'
import { betterAuth } from './contestants/better-auth.ts'
import { partsOf, type Contestant, type StartContestant } from './contestants/contestant.ts'
import { hallpass } from './contestants/hallpass.ts'
import { koaMikroOrm } from './contestants/koa-mikroorm.ts'
import { oidcProvider } from './contestants/oidc-provider.ts'
import { measureLimits } from './limits/limits.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { measureInTurns, type Measured } from './measuring.ts'
import { readOptions, type Options } from './options.ts'
import { writeSection } from './report/document.ts'
import { describeMachine, versionsOf } from './report/machine.ts'
import { linesOf } from './report/medians.ts'
import { tableOf } from './report/tables.ts'

demandInstalled()
const argv = process.argv.slice(2)
const options = readOptions(argv)
const postgres = await startMeasuredPostgres()
const contestants: Contestant[] = []
let signal: string | void
try {
  signal = await Promise.race([measureAll(options, postgres), interruption()])
} finally {
  for (const { service } of contestants) await service.stop()
  await postgres.stop()
  await stopSharedMailServer()
}
if (signal !== undefined) console.error(`stopped by ${signal}`)
// What was interrupted may still be under way.
process.exit(signal === undefined ? 0 : 1)

/** Resolves with the signal by which somebody ends the run, so that nothing is left behind. */
function interruption(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => resolve(name))
  })
}

function demandInstalled(): void {
  if (!existsSync('/proc/stat')) throw new Error('Processor time is read from /proc, which only Linux has.')
  try {
    import.meta.resolve('pg-copy-streams')
  } catch {
    throw new Error('What Hallpass is measured against is not installed. Run: npm ci --prefix bench')
  }
}

async function measureAll(options: Options, postgres: Postgres): Promise<void> {
  const { operations, connections, sessions, rounds, seconds, warmUp, heatUp } = options
  const database = await findDatabaseProcess(postgres.url('postgres'))
  const databaseUrls: string[] = []
  for (const start of startersOf(options)) {
    const databaseUrl = await postgres.createDatabase()
    const begin = performance.now()
    const contestant = await start({ databaseUrl, sessions })
    contestants.push(contestant)
    databaseUrls.push(databaseUrl)
    console.log(`${contestant.name}: ${sessions} sessions after ${((performance.now() - begin) / 1000).toFixed(0)} s`)
  }

  const tables: string[] = []
  const conditions = { rounds, seconds, warmUp, heatUp, database, onResult: print }
  for (const operation of operations) {
    const at = { ...conditions, connections: connections[operation] }
    tables.push(tableOf(operation, linesOf(await measureInTurns(operation, contestants, at))))
  }
  if (options.hasLimits) {
    const fleet = { databaseUrl: databaseUrls[0] ?? '', sessions, part: partsOf(sessions).refresh }
    const measured = await measureLimits({ ...conditions, connections: connections.refresh, fleet })
    const lines = linesOf(measured).map((line) => ({ ...line, ratio: null }))
    tables.push(tableOf('limits', lines))
  }
  const text = `${await describeRun(options)}\n\n${tables.join('\n')}`
  console.log(`\n${text}`)
  if (options.writes) writeSection(text)
}

/** The first is the one that all others are compared with. */
function startersOf({ serverDirs, operations }: Options): StartContestant[] {
  if (operations.length === 0) return [hallpass('Hallpass')]
  if (serverDirs.length === 0) return [hallpass('Hallpass'), betterAuth, oidcProvider, koaMikroOrm]
  return [
    hallpass('this checkout'),
    ...serverDirs.map((directory) => hallpass(basename(resolve(directory)), directory)),
  ]
}

async function describeRun({ sessions, rounds, seconds, warmUp, serverDirs }: Options): Promise<string> {
  const date = new Date().toISOString().slice(0, 10)
  const command = ['npm run bench', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' ')
  const peers = serverDirs.length > 0 ? '' : versionsOf('better-auth', 'oidc-provider', 'koa', '@mikro-orm/core')
  return [
    `${date}, \`${command}\`: ${await describeMachine(postgres.url('postgres'))}`,
    ...(peers === '' ? [] : [peers]),
    `${sessions.toLocaleString('en')} sessions in each store`,
    `medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s, each after ${warmUp} s that are not counted.`,
  ].join('; ')
}

function print({ operation, contestant, round, result }: Measured): void {
  const { connections, perSecond, p50, p99, cpu, errors, faults } = result
  const times = `p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms`
  const costs = `server ${cpu.server.toFixed(0)} database ${cpu.database?.toFixed(0) ?? '?'} load ${cpu.load.toFixed(0)} us`
  const others = `others ${(cpu.others * 100).toFixed(0)} %`
  const wrong = errors === 0 ? '' : `  ${errors} ERRORS ${faults.join(' | ')}`
  console.log(
    `${round} ${operation} ${contestant} ${connections}: ${perSecond.toFixed(0)}/s  ${times}  ${costs}  ${others}${wrong}`,
  )
}
