/**
 * How often each session was refreshed in this minute. Every refresh passes here before the database
 * is asked, so this is a number in a map and no more: the library's counters in memory make a promise
 * and a timer for each session. One window for all of them needs neither, and to forget them all is to
 * begin a new map.
 *
 * Counted by each process for itself, and never in the database: this bounds what one client may cost,
 * and protects no secret.
 */

export interface RefreshCounter {
  /** @returns milliseconds to wait; 0 for those who may pass */
  count(sessionId: string): number
}

/** Some 100 bytes each. Only a token with a good MAC gets here, so nobody can make sessions up. */
const MOST = 200_000

/**
 * @param deps.window seconds
 * @param deps.now milliseconds of a clock that never goes back
 */
export function createRefreshCounter(deps: { quota: number; window: number; now?: () => number }): RefreshCounter {
  const { quota, window, now = () => performance.now() } = deps
  let counts = new Map<string, number>()
  let end = 0

  return {
    count(sessionId) {
      const time = now()
      // When there is no room, a new window begins early, for all: better than one session uncounted.
      if (time >= end || counts.size >= MOST) {
        counts = new Map()
        end = time + window * 1000
      }
      const count = (counts.get(sessionId) ?? 0) + 1
      if (count > quota) return end - time
      counts.set(sessionId, count)
      return 0
    },
  }
}
