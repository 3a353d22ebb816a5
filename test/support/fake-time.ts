/**
 * Time that stands still until a test lets it pass: the timers and both clocks of a program that takes them from
 * the global object. Mocha, Node and a server in this process have theirs from before, or elsewhere.
 */

export interface FakeTime {
  /** Timers run in their order, and what follows from each. Milliseconds. */
  pass(milliseconds: number): Promise<void>
  /** Everything that can happen without time passing has happened. */
  settle(): Promise<void>
  /** Somebody sets the clock on the wall. */
  setWallClock(by: number): void
  /** As a laptop that is closed: only the clock on the wall goes on. */
  sleep(milliseconds: number): void
  /** Since the beginning, by the clock that nobody sets. */
  now(): number
  /** How many timers are set. */
  timers(): number
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

const real = { setTimeout, clearTimeout, setImmediate, dateNow: Date.now }

/** For the stories of this `describe`: each begins anew, on the first of January. */
export function useFakeTime(): FakeTime {
  let now = 0
  let wall = 0
  let timers = new Set<Timer>()

  beforeEach(() => {
    now = 1_000
    wall = Date.UTC(2026, 0, 1) - now
    timers = new Set()
    Object.assign(performance, { now: () => now })
    Date.now = () => wall + now
    Object.assign(globalThis, {
      setTimeout(run: () => void, milliseconds = 0) {
        // Whole milliseconds, as the HTML standard and Node have it.
        const timer = { at: now + Math.max(Math.trunc(milliseconds), 0), run, unref: () => timer, ref: () => timer }
        timers.add(timer)
        return timer
      },
      clearTimeout: (timer: Timer) => void timers.delete(timer),
    })
  })

  afterEach(() => {
    Reflect.deleteProperty(performance, 'now')
    Date.now = real.dateNow
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout })
  })

  const next = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).toSorted((one, other) => one.at - other.at)[0]

  return {
    settle,
    async pass(milliseconds) {
      const until = now + milliseconds
      await settle()
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.run()
        await settle()
      }
      now = until
      await settle()
    },
    setWallClock(by) {
      wall += by
    },
    sleep(milliseconds) {
      wall += milliseconds
    },
    now: () => now - 1_000,
    timers: () => timers.size,
  }
}

/** Long enough for promises, and for messages and locks that take turns of the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => void real.setImmediate(resolve))
}
