/** Contestants that share a process and a pool, in turns; each does one thing again and again, so many at once. */
import type pg from 'pg'
import { costsBetween, readTimes } from '../machine/costs.ts'
import { median, quantile } from '../report/quantiles.ts'

export interface Contestant {
  readonly name: string
  readonly run: () => Promise<void>
}

interface Conditions {
  readonly pool: pg.Pool
  readonly connections: number
  readonly rounds: number
  /** Of each turn, after a fifth of it that is not counted. */
  readonly seconds: number
  readonly database: number | null
}

interface Turn {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Microseconds of processor time. */
  readonly node: number
  readonly database: number
}

/** Prints a table; the first contestant is the one that others are compared with. */
export async function takeTurns(
  what: string,
  contestants: readonly Contestant[],
  conditions: Conditions,
): Promise<void> {
  const turns = contestants.map((): Turn[] => [])
  for (let round = 0; round < conditions.rounds; round += 1) {
    for (const [index, { run }] of contestants.entries()) {
      await repeat(run, conditions, conditions.seconds / 5)
      turns[index]?.push(await repeat(run, conditions, conditions.seconds))
    }
  }
  console.log(
    `\n| ${what}, ${conditions.connections} at once | a second | of the first | p50 ms | p99 ms | Node µs | PostgreSQL µs |`,
  )
  console.log('|---|---:|---:|---:|---:|---:|---:|')
  for (const [index, { name }] of contestants.entries()) {
    const own = turns[index] ?? []
    const middle = (of: (turn: Turn, round: number) => number): number => median(own.map(of))
    const share = middle(({ perSecond }, round) => perSecond / (turns[0]?.[round]?.perSecond ?? NaN))
    const cells = [
      Math.round(middle(({ perSecond }) => perSecond)).toLocaleString('en'),
      share.toFixed(2),
      middle(({ p50 }) => p50).toFixed(2),
      middle(({ p99 }) => p99).toFixed(2),
      middle(({ node }) => node).toFixed(0),
      middle(({ database }) => database).toFixed(0),
    ]
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

async function repeat(run: () => Promise<void>, { connections, database }: Conditions, seconds: number): Promise<Turn> {
  const times: number[] = []
  const watched = { server: [process.pid], database, load: process.pid }
  const before = readTimes(watched)
  const end = performance.now() + seconds * 1000
  const work = async (): Promise<void> => {
    while (performance.now() < end) {
      const begin = performance.now()
      await run()
      times.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  const { lasted, cpu } = costsBetween(before, readTimes(watched), times.length)
  const sorted = times.toSorted((one, other) => one - other)
  return {
    perSecond: times.length / lasted,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    node: cpu.server,
    database: cpu.database ?? NaN,
  }
}
