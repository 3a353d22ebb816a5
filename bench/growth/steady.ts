/**
 * Refreshes of random sessions without a pause: one checkpoint interval that does not count, one that does, and then
 * as long as a vacuum takes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { startLoad, type Result } from '../load/load.ts'
import { median } from '../report/quantiles.ts'
import type { HallpassService } from '../services/hallpass.ts'
import { readCounts, type Counts } from './table.ts'

export interface Steady {
  readonly perSecond: number
  /** Milliseconds: medians of the slices. */
  readonly p50: number
  readonly p99: number
  /** Microseconds of processor time for a refresh. */
  readonly server: number
  readonly database: number
  /** Updates that touched no index, as a share. */
  readonly heapOnly: number
  readonly refreshes: number
  /** Of the write-ahead log, bytes for each refresh. */
  readonly logBytes: number
  /** Pages that stand in it as a whole, for each refresh. */
  readonly logPages: number
  /** Bytes of the table with its index. */
  readonly before: number
  readonly after: number
  readonly deadRows: number
  /** That PostgreSQL began by itself. */
  readonly vacuums: number
  readonly vacuum: Vacuum
}

/** One that freezes, at autovacuum's own pace, while refreshes go on. */
interface Vacuum {
  readonly seconds: number
  readonly perSecond: number
  /** Milliseconds: the median of the slices. */
  readonly p99: number
}

interface Slice {
  readonly result: Result
  readonly deadRows: number
}

/** Seconds. */
const SLICE = 10
/** The statistics of a backend are seen by others a second later. Milliseconds. */
const UNTIL_COUNTED = 1_500

export async function refreshSteadily(conditions: {
  pool: pg.Pool
  service: HallpassService
  sessions: number
  interval: number
  connections: number
  database: number | null
}): Promise<Steady> {
  const { pool, service, sessions, interval, connections, database } = conditions
  const load = await startLoad({ name: 'refresh', options: { sessions, secret: service.secret } })
  const slice = async (seconds: number): Promise<Result> => {
    const where = { urls: [service.url], connections, server: [service.pid], database }
    const result = await load.run({ ...where, warmUp: 0, seconds })
    if (result.errors > 0) throw new Error(result.faults.join(', '))
    return result
  }
  try {
    await slice(interval)
    await sleep(UNTIL_COUNTED)
    const before = await readCounts(pool)
    const slices: Slice[] = []
    for (let done = 0; done < interval; done += SLICE) {
      slices.push({ result: await slice(SLICE), deadRows: (await readCounts(pool)).deadRows })
    }
    await sleep(UNTIL_COUNTED)
    const after = await readCounts(pool)
    return { ...summarize(before, after, slices), vacuum: await vacuumMeanwhile(pool, slice) }
  } finally {
    load.stop()
  }
}

/**
 * Heap-only updates clean up after themselves, so that a vacuum comes by age alone, once in some hundred million
 * transactions (`autovacuum_freeze_max_age`). Nobody can wait for it: this is the same work.
 */
async function vacuumMeanwhile(pool: pg.Pool, slice: (seconds: number) => Promise<Result>): Promise<Vacuum> {
  const connection = await pool.connect()
  try {
    await connection.query("set vacuum_cost_delay = '2ms'")
    const begin = performance.now()
    let seconds = 0
    const vacuum = async (): Promise<void> => {
      try {
        await connection.query('vacuum (freeze) sessions')
      } finally {
        seconds = (performance.now() - begin) / 1000
      }
    }
    const results: Result[] = []
    const refreshMeanwhile = async (): Promise<void> => {
      while (seconds === 0) results.push(await slice(SLICE))
    }
    await Promise.all([vacuum(), refreshMeanwhile()])
    return {
      seconds,
      perSecond: median(results.map(({ perSecond }) => perSecond)),
      p99: median(results.map(({ p99 }) => p99)),
    }
  } finally {
    connection.release(true)
  }
}

function summarize(before: Counts, after: Counts, slices: readonly Slice[]): Omit<Steady, 'vacuum'> {
  const results = slices.map(({ result }) => result)
  const refreshes = results.reduce((sum, { requests }) => sum + requests, 0)
  const updates = after.updates - before.updates
  return {
    perSecond: refreshes / results.reduce((sum, { requests, perSecond }) => sum + requests / perSecond, 0),
    p50: median(results.map(({ p50 }) => p50)),
    p99: median(results.map(({ p99 }) => p99)),
    server: median(results.map(({ cpu }) => cpu.server)),
    database: median(results.map(({ cpu }) => cpu.database ?? NaN)),
    heapOnly: (after.heapOnlyUpdates - before.heapOnlyUpdates) / updates,
    refreshes,
    logBytes: (after.logBytes - before.logBytes) / updates,
    logPages: (after.logPages - before.logPages) / updates,
    before: before.tableBytes,
    after: after.tableBytes,
    deadRows: Math.max(...slices.map(({ deadRows }) => deadRows)),
    vacuums: after.vacuums - before.vacuums,
  }
}
