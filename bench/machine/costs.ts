/** What requests cost in processor time: whose it was, and how much others took meanwhile. */
import { availableParallelism } from 'node:os'
import { machineTime, treeTime } from './processor-time.ts'

/** Microseconds of processor time for a request. */
export interface Costs {
  readonly server: number
  readonly database: number | null
  readonly load: number
  /** What all other processes took, as a share of the machine: a run with much of it was disturbed. */
  readonly others: number
}

/** Processes that are measured, each with those it started. */
export interface Watched {
  readonly server: readonly number[]
  /** PostgreSQL's first process (database-process.ts); null where it runs elsewhere. */
  readonly database: number | null
  readonly load: number
}

export interface Times {
  readonly server: number
  readonly database: number | null
  readonly load: number
  readonly machine: number
  /** Milliseconds; the rest is seconds. */
  readonly at: number
}

export const readTimes = ({ server, database, load }: Watched): Times => ({
  server: server.reduce((sum, pid) => sum + treeTime(pid), 0),
  database: database === null ? null : treeTime(database),
  load: treeTime(load),
  machine: machineTime(),
  at: performance.now(),
})

/** @returns also how long it lasted, in seconds */
export function costsBetween(before: Times, after: Times, requests: number): { lasted: number; cpu: Costs } {
  const lasted = (after.at - before.at) / 1000
  const server = after.server - before.server
  const database = after.database === null || before.database === null ? null : after.database - before.database
  const load = after.load - before.load
  const others = after.machine - before.machine - server - (database ?? 0) - load
  const each = (time: number): number => (time * 1e6) / requests
  return {
    lasted,
    cpu: {
      server: each(server),
      database: database === null ? null : each(database),
      load: each(load),
      others: Math.max(0, others) / (lasted * availableParallelism()),
    },
  }
}
