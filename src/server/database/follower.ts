/** Follows something that others change: reads it once more whenever it may have changed. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Follower {
  /** It may have changed. Readings never overlap, and one that fails is repeated until it succeeds. */
  readonly changed: () => void
  /** No reading begins after this. */
  stop(): void
}

/** Milliseconds. */
const RETRY_AFTER = 500

export function createFollower(read: () => Promise<unknown>): Follower {
  let isStale = false
  let isReading = false
  let isStopped = false

  async function readUntilFresh(): Promise<void> {
    isReading = true
    while (isStale && !isStopped) {
      isStale = false
      try {
        await read()
      } catch {
        isStale = true
        await sleep(RETRY_AFTER, undefined, { ref: false })
      }
    }
    isReading = false
  }

  return {
    changed() {
      isStale = true
      if (!isReading) void readUntilFresh()
    },
    stop() {
      isStopped = true
    },
  }
}
