/**
 * What has to be done now and then, by any one process: each task is a row that says when it is due. Whoever
 * finds it due takes it for a while; if nothing more is heard of that process, another one takes it after.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { nameOf } from '../errors.ts'
import type { Task } from './task.ts'

export interface Upkeep {
  /** From then on tasks are looked for, and done when they are due. */
  start(): void
  /** Does what is due now. */
  run(): Promise<void>
  /** Nothing is begun after this; what is under way ends soon. */
  stop(): Promise<void>
}

/** A turn is told to end after so long; what remains is for the next one. Seconds. */
const LONGEST_TURN = 60
/** Longer than any turn takes, the statement that it ends with included. Seconds. */
const LEASE = 180
/** After a turn that left something to do, and after one that failed. Seconds. */
const GO_ON_AFTER = 5
const TRY_AGAIN_AFTER = 60
/** A process that has just begun has better things to do. Seconds. */
const FIRST_AFTER = 60
/** Milliseconds, and by chance a little more, so that not all processes look at once. */
const LOOK_EVERY = 15_000

export function createUpkeep(deps: { database: Database; tasks: readonly Task[]; log: Logger }): Upkeep {
  const { database, tasks, log } = deps
  const byName = new Map(tasks.map((task) => [task.name, task]))
  const names = [...byName.keys()]
  const holder = randomUUID()
  const stopping = new AbortController()
  let running = Promise.resolve()
  let looking: Promise<void> | undefined

  async function runDue(): Promise<void> {
    await database.query(announceTasks, [names, FIRST_AFTER])
    while (!stopping.signal.aborted) {
      const [taken] = await database.query(takeTask, [names, LEASE, holder])
      const task = taken && byName.get(taken.task)
      if (task === undefined) return
      await takeTurn(task, taken?.place ?? null)
    }
  }

  async function takeTurn(task: Task, place: string | null): Promise<void> {
    const { name, every } = task
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(LONGEST_TURN * 1000)])
    try {
      const progress = (await task.run({ place, signal })) ?? { place: null, isDone: true }
      await database.query(endTurn, [name, holder, progress.isDone ? every : GO_ON_AFTER, progress.place])
      log.debug({ event: 'upkeep', task: name, is_done: progress.isDone }, 'a turn of upkeep is over')
    } catch (error) {
      log.warn({ event: 'upkeep', task: name, failure: nameOf(error) }, 'a task of upkeep failed, and is tried again')
      // Where the database is away, the lease ends by itself.
      const again = [name, holder, Math.min(TRY_AGAIN_AFTER, every), place] as const
      await database.query(endTurn, again).catch(() => undefined)
    }
  }

  /** One after the other, so that no two turns of this process meet. */
  const runInTurn = (): Promise<void> => (running = running.then(runDue, runDue))

  async function lookNowAndThen(): Promise<void> {
    const { signal } = stopping
    while (!signal.aborted) {
      const wait = LOOK_EVERY * (1 + Math.random() / 4)
      await sleep(wait, undefined, { ref: false, signal }).catch(() => undefined)
      if (signal.aborted) return
      await runInTurn().catch((error: unknown) => {
        log.warn({ event: 'upkeep', failure: nameOf(error) }, 'upkeep could not look for what is due')
      })
    }
  }

  return {
    start() {
      looking ??= lookNowAndThen()
    },
    run: runInTurn,
    async stop() {
      stopping.abort()
      await looking
      await running.catch(() => undefined)
    },
  }
}

const announceTasks = statement(
  'upkeep.announce',
  `insert into upkeep (task, next_at)
   select task, clock_timestamp() + make_interval(secs => $2::float8) from unnest($1::text[]) as named (task)
   on conflict (task) do nothing`,
)

/** The one that has waited longest; `skip locked` lets another process take the next one. */
const takeTask = statement<{ task: string; place: string | null }>(
  'upkeep.take',
  `update upkeep set next_at = clock_timestamp() + make_interval(secs => $2::float8), holder = $3::uuid
   where task = (
     select task from upkeep where task = any ($1::text[]) and next_at <= clock_timestamp()
     order by next_at limit 1 for update skip locked)
   returning task, place`,
)

/** Unless it was taken for dead meanwhile: then the task is somebody else's. */
const endTurn = statement(
  'upkeep.end_turn',
  `update upkeep set next_at = clock_timestamp() + make_interval(secs => $3::float8), holder = null, place = $4::text
   where task = $1::text and holder = $2::uuid`,
)
