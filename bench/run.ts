/**
 * Refreshes a second, with what each costs.
 *
 *   npm run bench -- --connections 16,64 --rounds 3 --seconds 5 --sessions 1000000
 *   npm run bench -- --server-dir ../before       another checkout beside this one, taking turns: A B A B
 */
import { parseArgs } from 'node:util'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { fillFleet } from './fleet/fill.ts'
import { startLoad, type Load, type Result } from './load/load.ts'
import { findDatabaseProcess } from './machine/database-process.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { startHallpass, type HallpassService } from './services/hallpass.ts'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1,16,64,256' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '2' },
    sessions: { type: 'string', default: '1000000' },
    'server-dir': { type: 'string', multiple: true, default: [] },
  },
})
const sessions = Number(values.sessions)

// Whatever was started ends with this process (services/service.ts).
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const postgres = await startMeasuredPostgres()
const contestants: { name: string; service: HallpassService; load: Load }[] = []
try {
  const database = await findDatabaseProcess(postgres.url('postgres'))
  for (const directory of [undefined, ...values['server-dir']]) {
    const databaseUrl = await postgres.createDatabase()
    const service = await startHallpass({ databaseUrl, ...(directory && { directory }) })
    const begin = performance.now()
    await fillFleet({ sessions, url: service.url, databaseUrl })
    console.log(`${sessions} sessions in ${((performance.now() - begin) / 1000).toFixed(1)} s`)
    const load = await startLoad({ name: 'refresh', options: { sessions, secret: service.secret } })
    contestants.push({ name: directory ?? 'hallpass', service, load })
  }
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (const connections of values.connections.split(',').map(Number)) {
      for (const { name, service, load } of contestants) {
        const result = await load.run({
          urls: [service.url],
          connections,
          warmUp: Number(values['warm-up']),
          seconds: Number(values.seconds),
          server: [service.pid],
          database,
        })
        print(name, round, result)
      }
    }
  }
} finally {
  for (const { service, load } of contestants) {
    load.stop()
    await service.stop()
  }
  await postgres.stop()
  await stopSharedMailServer()
}

function print(name: string, round: number, { cpu, faults, ...result }: Result): void {
  const times = `p50 ${result.p50.toFixed(2)} p99 ${result.p99.toFixed(2)} max ${result.max.toFixed(1)} ms`
  const costs = `server ${cpu.server.toFixed(0)} database ${cpu.database?.toFixed(0) ?? '?'} load ${cpu.load.toFixed(0)} us`
  const others = `others ${(cpu.others * 100).toFixed(0)} %`
  const rate = `${result.perSecond.toFixed(0)}/s`
  console.log(
    `${round} ${name} ${result.connections}: ${rate}  ${times}  ${costs}  ${others}  errors ${result.errors} ${faults.join(' | ')}`,
  )
}
