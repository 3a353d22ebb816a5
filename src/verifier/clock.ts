/** Time as a dependency: nothing here reads a row's times, and tests turn the clock by hand. */

export interface Clock {
  /** Milliseconds since 1970; may step when somebody sets it. */
  now(): number
  /** Milliseconds since whenever; never steps. What is measured with it does not mind a wrong clock. */
  monotonic(): number
  /** Runs once after so many milliseconds, unless the returned function is called before. */
  after(milliseconds: number, run: () => void): () => void
}

/** Every runtime runs at once what is to wait longer, and again, and again. Milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, run) {
    const timer: unknown = setTimeout(run, Math.min(milliseconds, LONGEST_TIMER))
    // In Node, whoever is done may end although the verifier goes on.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref()
    return () => clearTimeout(timer as number)
  },
}

/** Resolves after so many milliseconds, at once when `signal` is aborted. */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel()
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const cancel = clock.after(milliseconds, wake)
    signal.addEventListener('abort', wake)
    if (signal.aborted) wake()
  })
}

/** Waits grow with every failure, by halves at random, so that a fleet does not come back in step. Milliseconds. */
export const backOff = (failures: number, first: number, longest: number): number =>
  Math.min(first * 2 ** Math.min(failures, 30), longest) * (0.5 + Math.random() / 2)
