/** How long to leave the service alone after it could not answer. */
import type { HallpassError } from './errors.ts'
import { FIRST_WAIT, LONGEST_WAIT, TOO_EARLY } from './figures.ts'
import { between, startStopwatch } from './time.ts'

export interface BackOff {
  /** @throws {HallpassError} what failed last, while it is too early to ask again */
  check(): void
  /** @returns when to ask again, milliseconds */
  failed(error: HallpassError): number
  succeeded(): void
  /** The network may be back; but the service itself may have said when to come (RFC 9110 section 10.2.3). */
  relent(): void
}

export function createBackOff(): BackOff {
  let failures = 0
  let wait = 0
  let last: HallpassError | undefined
  let since = startStopwatch()
  return {
    check() {
      if (last && since() < wait) throw last
    },
    failed(error) {
      last = error
      since = startStopwatch()
      const longest = Math.min(FIRST_WAIT * 2 ** failures++, LONGEST_WAIT)
      const asked = error.retryAfter ?? 0
      wait = asked > 0 ? asked * between(1000, 1200) : between(longest / 2, longest)
      return wait + TOO_EARLY
    },
    succeeded() {
      failures = wait = 0
    },
    relent() {
      if (!last?.retryAfter) wait = 0
    },
  }
}
