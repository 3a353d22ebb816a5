/** Expensive work, so much at once and no more: the rest waits in a short line, and beyond that is refused. */
import { Unavailable } from '../errors.ts'

/**
 * Runs `work` when it is its turn and answers what it answers.
 *
 * @throws {Unavailable} when the line is full, or the wait was too long; `work` was then never started
 */
export type BoundedWork = <T>(work: () => Promise<T>) => Promise<T>

/**
 * A bound for one kind of work, first come, first served.
 *
 * The permit belongs to the work and not to whoever asked for it: it is held until the work has settled, even
 * when the caller is long gone, so that callers who give up cannot raise the number that runs.
 *
 * @param options.parallel how many run at once, at least 1
 * @param options.queue how many may wait
 * @param options.maxWait milliseconds that one may wait, 2000 by default
 * @param options.random from 0 to 1, for when those who are refused come again
 */
export const createBoundedWork = (options: {
  parallel: number
  queue: number
  maxWait?: number
  random?: () => number
}): BoundedWork => {
  const { parallel, queue, maxWait = 2000, random = Math.random } = options
  const waiting = new Set<() => void>()
  let running = 0

  const acquire = (): Promise<void> => {
    if (running < parallel) {
      running += 1
      return Promise.resolve()
    }
    if (waiting.size >= queue) return Promise.reject(overloaded(maxWait, random))
    return new Promise((resolve, reject) => {
      const start = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(start)
        reject(overloaded(maxWait, random))
      }, maxWait)
      waiting.add(start)
    })
  }

  const release = (): void => {
    const [next] = waiting
    if (next === undefined) {
      running -= 1
      return
    }
    // The permit goes straight to the next in line (`running` stays), so that no newcomer overtakes.
    waiting.delete(next)
    next()
  }

  return async (work) => {
    await acquire()
    try {
      return await work()
    } finally {
      release()
    }
  }
}

/** Seconds over which a crowd that was refused at once comes again: whole ones are all that `Retry-After` knows. */
const SPREAD = 3

// After the longest wait, everybody who stands in line now has been served or refused.
const overloaded = (maxWait: number, random: () => number): Unavailable =>
  new Unavailable('Too much work of this kind is under way', {
    retryAfter: Math.max(1, Math.ceil(maxWait / 1000)) + Math.floor(random() * SPREAD),
  })
