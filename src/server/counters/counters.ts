/**
 * What happened how often, in all processes together: refreshes, replays, recoveries, reuse, what a policy did.
 * Counted in memory and added to the table every few seconds, by the minute. For looking at, not for deciding.
 */
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { nameOf } from '../errors.ts'

export interface Counters {
  count(name: string): void
  /** From then on what was counted is added to the table now and then. */
  start(): void
  /** Adds what was counted since the last time. */
  flush(): Promise<void>
  /** Totals by name over the last so many seconds, to the minute; what this process has not written yet included. */
  read(seconds: number): Promise<ReadonlyMap<string, number>>
  stop(): Promise<void>
}

/** Milliseconds. */
const FLUSH_EVERY = 5_000

export function createCounters({ database, log }: { database: Database; log: Logger }): Counters {
  let counted = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  let latest: Promise<void> = Promise.resolve()

  /** One after the other: when this has come to its end, so has what was taken before and was still being written. */
  function flush(): Promise<void> {
    const turn = latest.then(write)
    latest = turn.catch(() => undefined)
    return turn
  }

  async function write(): Promise<void> {
    const taken = counted
    if (taken.size === 0) return
    counted = new Map()
    // Sorted, so that two processes never wait for each other in a circle.
    const names = [...taken.keys()].sort()
    try {
      await database.query(add, [names, names.map((name) => String(taken.get(name)))])
    } catch (error) {
      for (const [name, count] of taken) counted.set(name, (counted.get(name) ?? 0) + count)
      throw error
    }
  }

  async function flushForNobody(): Promise<void> {
    await flush().catch((error: unknown) => log.warn({ failure: nameOf(error) }, 'counters could not be written'))
  }

  return {
    count: (name) => void counted.set(name, (counted.get(name) ?? 0) + 1),
    start() {
      timer = setInterval(() => void flushForNobody(), FLUSH_EVERY).unref()
    },
    flush,
    async read(seconds) {
      await flush()
      const rows = await database.query(total, [seconds])
      return new Map(rows.map(({ name, count }) => [name, count]))
    },
    async stop() {
      clearInterval(timer)
      await flushForNobody()
    },
  }
}

const add = statement(
  'counters.add',
  `insert into counters (minute, name, count)
   select date_trunc('minute', clock_timestamp()), name, count::bigint
   from unnest($1::text[], $2::text[]) as counted (name, count)
   on conflict (minute, name) do update set count = counters.count + excluded.count`,
)

const total = statement<{ name: string; count: number }>(
  'counters.total',
  `select name, sum(count)::bigint as count from counters
   where minute > date_trunc('minute', clock_timestamp()) - make_interval(secs => $1::float8)
   group by name order by name`,
)
