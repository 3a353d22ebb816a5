/** What stands around a refresh, each alone: PostgreSQL with its statement, HTTP with nothing behind it, signing. */
import { fileURLToPath } from 'node:url'
import type { Contestant } from '../contestants/contestant.ts'
import { measureInTurns, type Measured } from '../measuring.ts'
import { startService } from '../services/service.ts'
import { isPgbenchInstalled, runPgbench, type PgbenchRun } from './pgbench.ts'
import { measureSigning } from './signing.ts'

/** pgbench takes a connection for each of its clients. */
const MOST_CLIENTS = 64

export async function measureLimits(conditions: {
  connections: readonly number[]
  rounds: number
  seconds: number
  warmUp: number
  heatUp: number
  database: number | null
  /** Our own, whose tokens nobody uses any more. */
  fleet: Pick<PgbenchRun, 'databaseUrl' | 'sessions' | 'part'>
  onResult: (measured: Measured) => void
}): Promise<Measured[]> {
  const { rounds, seconds, warmUp, database, fleet, onResult } = conditions
  const results: Measured[] = []
  const add = (contestant: string, round: number, result: Measured['result']): void => {
    const measured = { operation: 'limits', contestant, round, result }
    results.push(measured)
    onResult(measured)
  }

  const servers = [
    await nothingOn('node:http, nothing', new URL('node-http.ts', import.meta.url)),
    await nothingOn('Koa, nothing', new URL('koa.ts', import.meta.url)),
  ]
  try {
    results.push(...(await measureInTurns('refresh', servers, conditions)))
  } finally {
    for (const { service } of servers) await service.stop()
  }

  if (!isPgbenchInstalled()) console.log('pgbench is not installed: its limit is left out')
  const clients = isPgbenchInstalled() ? conditions.connections.filter((count) => count <= MOST_CLIENTS) : []
  for (let round = 1; round <= rounds; round += 1) {
    for (const connections of clients) {
      add(
        'pgbench, the statement of a refresh',
        round,
        await runPgbench({ ...fleet, connections, warmUp, seconds, database }),
      )
    }
    const { perSecond, cpu } = await measureSigning(seconds)
    add('access tokens in one process', round, signed(perSecond, cpu))
  }
  return results
}

async function nothingOn(name: string, server: URL): Promise<Contestant> {
  const service = await startService({
    argv: [fileURLToPath(server)],
    environment: (port) => ({ PORT: String(port) }),
    healthPath: '/',
  })
  return { name, service, operations: { refresh: { name: 'nothing', options: {} } } }
}

/** No connections, no database: what is left is a rate and its processor time. */
const signed = (perSecond: number, cpu: number): Measured['result'] => ({
  connections: 0,
  requests: NaN,
  perSecond,
  errors: 0,
  faults: [],
  p50: NaN,
  p99: NaN,
  max: NaN,
  cpu: { server: cpu, database: null, load: 0, others: 0 },
})
