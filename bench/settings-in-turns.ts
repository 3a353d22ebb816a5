/** Our own service in several settings, in turns (A B C A B C): how quickly devices refresh, as a table of medians. */
import { parseArgs } from 'node:util'
import { stopSharedMailServer } from '../test/support/mail.ts'
import type { Postgres } from '../test/support/postgres.ts'
import { partsOf, type Contestant } from './contestants/contestant.ts'
import { fillFleet } from './fleet/fill.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { untilAtRest } from './machine/rest.ts'
import { measureInTurns } from './measuring.ts'
import { describeMachine } from './report/machine.ts'
import { linesOf } from './report/medians.ts'
import { tableOf, type Subject } from './report/tables.ts'
import { startHallpass } from './services/hallpass.ts'

/** The service in one setting, on a database of its own. */
export interface Setting {
  readonly name: string
  /** Where it finds its database, and what else is set. */
  readonly environment: Readonly<Record<string, string>>
  readonly databaseUrl: string
  /** What is a part of it and no child of it. */
  readonly beside?: { readonly pid: number; stop(): Promise<void> }
}

/**
 * Options of the command line: --connections, --rounds, --seconds, --warm-up, --heat-up, --sessions.
 * @param makeSettings the first is the one that all others are compared with
 */
export async function compareSettings(
  subject: Subject,
  makeSettings: readonly ((postgres: Postgres) => Promise<Setting>)[],
): Promise<void> {
  const { sessions, ...conditions } = readOptions()
  const postgres = await startMeasuredPostgres()
  const contestants: Contestant[] = []
  const stops: (() => Promise<void>)[] = [stopSharedMailServer, () => postgres.stop()]
  try {
    for (const makeSetting of makeSettings) {
      const setting = await makeSetting(postgres)
      const { beside } = setting
      if (beside !== undefined) stops.push(() => beside.stop())
      const contestant = await startContestant(setting, sessions)
      stops.push(() => contestant.service.stop())
      contestants.push(contestant)
      console.log(`${setting.name}: ${sessions} sessions`)
    }
    const measured = await measureInTurns('refresh', contestants, {
      ...conditions,
      database: await findDatabaseProcess(postgres.url('postgres')),
      onResult: ({ contestant, round, result }) =>
        console.log(
          `${round} ${contestant}, ${result.connections} connections: ${result.perSecond.toFixed(0)}/s, p99 ${result.p99.toFixed(1)} ms`,
        ),
    })
    const machine = await describeMachine(postgres.url('postgres'))
    const date = new Date().toISOString().slice(0, 10)
    console.log(
      `\n${date}: ${machine}; ${sessions.toLocaleString('en')} sessions; medians of ${conditions.rounds} rounds of ${conditions.seconds} s.\n`,
    )
    console.log(tableOf(subject, linesOf(measured)))
  } finally {
    for (const stop of stops.toReversed()) await stop()
  }
  process.exit() // loads leave handles behind
}

async function startContestant(setting: Setting, sessions: number): Promise<Contestant> {
  const { name, databaseUrl, environment, beside } = setting
  const service = await startHallpass({ databaseUrl, environment })
  await fillFleet({ sessions, url: service.url, databaseUrl })
  await untilAtRest(service.pid) // workers start after the first one
  const options = { sessions, secret: service.secret, part: partsOf(sessions).refresh }
  return {
    name,
    service,
    ...(beside && { beside: [beside.pid] }),
    operations: { refresh: { name: 'refresh', options } },
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '16,64,256' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      'heat-up': { type: 'string', default: '8' },
      sessions: { type: 'string', default: '1000000' },
    },
  })
  return {
    connections: values.connections.split(',').map(Number),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    warmUp: Number(values['warm-up']),
    heatUp: Number(values['heat-up']),
    sessions: Number(values.sessions),
  }
}
