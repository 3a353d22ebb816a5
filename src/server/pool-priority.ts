/**
 * Libuv's threads, on which passwords are hashed, step back for the thread that serves: where every processor is busy,
 * refreshes go first (docs/decisions/0009). On Linux, where each thread has a priority of its own; elsewhere nothing
 * happens, and neither where it is not allowed.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { promisify } from 'node:util'

/** As nice(1) counts: a tenth of the processor time of a thread that has not stepped back. */
const STEP = 10
const TASKS = '/proc/self/task'

export async function lowerPoolPriority(): Promise<void> {
  await promisify(randomBytes)(1) // they start with their first work
  try {
    const priority = Math.min(getPriority() + STEP, constants.priority.PRIORITY_LOW)
    for (const thread of poolThreads()) setPriority(thread, priority)
  } catch {
    // It is a courtesy; without it everything works.
  }
}

/** setpriority(2) takes a thread's id as well: to Linux the two are alike. */
const poolThreads = (): number[] =>
  readdirSync(TASKS)
    .filter((thread) => readFileSync(`${TASKS}/${thread}/comm`, 'latin1').trim() === 'libuv-worker')
    .map(Number)
