/** A clock that stands still until it is told otherwise. What waits on it runs when its time has come. */
import type { Clock } from '../clock.ts'

export interface TestClock extends Clock {
  /**
   * Lets so many seconds pass, and everything that waits for them happen, in order. Resolves when what that set
   * off, and has not to wait for the clock again, is done.
   */
  advance(seconds: number): Promise<void>
  /** Sets the wall clock forward or back, as an administrator does: nothing that waits is done for it. Seconds. */
  step(seconds: number): void
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** @param start milliseconds since 1970; now by default */
export function createTestClock(start = Date.now()): TestClock {
  let passed = 0
  let stepped = 0
  const timers = new Set<Timer>()

  const nextBefore = (end: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= end).toSorted((one, other) => one.at - other.at)[0]

  return {
    now: () => start + passed + stepped,
    monotonic: () => passed,
    after(milliseconds, run) {
      const timer = { at: passed + milliseconds, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(seconds) {
      const end = passed + seconds * 1000
      await settle()
      for (let timer = nextBefore(end); timer !== undefined; timer = nextBefore(end)) {
        timers.delete(timer)
        passed = Math.max(passed, timer.at)
        timer.run()
        await settle()
      }
      passed = end
    },
    step: (seconds) => void (stepped += seconds * 1000),
  }
}

/** Turns of the event loop, in which what is under way comes to an end. WebCrypto takes more than one. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setTimeout(resolve))
}
