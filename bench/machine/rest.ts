import { setTimeout as sleep } from 'node:timers/promises'
import { treeTime } from './processor-time.ts'

/** Milliseconds. */
const LOOK_EVERY = 500
/** Of one processor. */
const AT_REST = 0.1
const LOOKS = 3

/** Until a process and those it started do next to nothing. */
export async function untilAtRest(pid: number): Promise<void> {
  let before = treeTime(pid)
  for (let quiet = 0; quiet < LOOKS;) {
    await sleep(LOOK_EVERY)
    const now = treeTime(pid)
    quiet = (now - before) * 1000 < AT_REST * LOOK_EVERY ? quiet + 1 : 0
    before = now
  }
}
