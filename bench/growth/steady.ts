/** Refreshes of random sessions without a pause: one checkpoint interval that does not count, and one that does. */
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
  readonly vacuums: number
  /** Milliseconds: the median of the slices in which a vacuum was under way, or was not. NaN where there was none. */
  readonly p99WhileVacuum: number
  readonly p99WhileNot: number
}

interface Slice {
  readonly result: Result
  readonly hadVacuum: boolean
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
    for (let done = 0; done < interval; done += SLICE) slices.push(await look(pool, slice))
    await sleep(UNTIL_COUNTED)
    return summarize(before, await readCounts(pool), slices)
  } finally {
    load.stop()
  }
}

/** A vacuum of a small table is over between two looks: its end is seen by its count. */
async function look(pool: pg.Pool, slice: (seconds: number) => Promise<Result>): Promise<Slice> {
  const { vacuums } = await readCounts(pool)
  let isVacuumed = 0
  const watching = setInterval(() => void readCounts(pool).then((now) => (isVacuumed += now.isVacuumed)), 500)
  const result = await slice(SLICE)
  clearInterval(watching)
  const now = await readCounts(pool)
  return { result, hadVacuum: isVacuumed > 0 || now.vacuums > vacuums, deadRows: now.deadRows }
}

function summarize(before: Counts, after: Counts, slices: readonly Slice[]): Steady {
  const results = slices.map(({ result }) => result)
  const refreshes = results.reduce((sum, { requests }) => sum + requests, 0)
  const updates = after.updates - before.updates
  const p99Of = (hadVacuum: boolean): number =>
    median(slices.filter((slice) => slice.hadVacuum === hadVacuum).map(({ result }) => result.p99))
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
    p99WhileVacuum: p99Of(true),
    p99WhileNot: p99Of(false),
  }
}
