/**
 * Looks after sessions that somebody follows. A session whose time runs out ends without a word, and a word can
 * be lost: what counts is the row, read at the beginning, when the session's time is over, and after every gap.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LiveSession, Reading } from './reading.ts'
import type { Session } from './session.ts'

export interface Watcher {
  /** @param reason as a refused refresh would say it */
  ended(reason: string): void
  /** There was a gap, and the session goes on; nobody knows what else happened. */
  mayHaveMissed(): void
}

export interface Lookout {
  /** Looks at the row at once. @returns to stop that */
  watch(session: Pick<Session, 'id' | 'userId'>, watcher: Watcher): () => void
  /** At every row, soon. */
  lookAtAll(): void
  /** At those of one person, whose ends may have been moved. */
  lookAtAllOf(userId: string): void
}

/** Everybody asks after a gap, and other requests need the database, too. */
const MOST_AT_ONCE = 4
/** Milliseconds, as the others. */
const LOOK_WITHIN = 2_000
const LOOK_AT_PERSON_WITHIN = 200
/** Where the database could not say. */
const LOOK_AGAIN_AFTER = 2_000
/** A timer may come a little before its time. */
const SHORTEST_WAIT = 20
/** `setTimeout` knows no month. */
const LONGEST_WAIT = 24 * 60 * 60 * 1000

interface Watch {
  readonly userId: string
  readonly sessionId: string
  readonly watcher: Watcher
  /** When it is looked at next, by the process's own clock. */
  dueAt: number
  timer?: NodeJS.Timeout
  isAfterGap: boolean
  isStopped: boolean
}

export function createLookout({ sessions }: { sessions: Pick<Reading, 'findLive' | 'find'> }): Lookout {
  const all = new Set<Watch>()
  const due = new Set<Watch>()
  let looking = 0

  function lookAt(watch: Watch): void {
    due.add(watch)
    if (looking < MOST_AT_ONCE) void lookAtDue()
  }

  async function lookAtDue(): Promise<void> {
    looking += 1
    // What becomes due meanwhile has its turn too: the loop sees it.
    for (const watch of due) {
      due.delete(watch)
      if (await look(watch)) continue
      due.add(watch)
      await sleep(LOOK_AGAIN_AFTER, undefined, { ref: false })
    }
    looking -= 1
  }

  /** @returns false where the database could not say */
  async function look(watch: Watch): Promise<boolean> {
    const { userId, sessionId, watcher, isAfterGap } = watch
    watch.isAfterGap = false
    try {
      const live = await sessions.findLive(userId, sessionId)
      const reason = live === null ? await reasonOf(userId, sessionId) : null
      if (watch.isStopped) return true
      lookWithin(watch, live === null ? LOOK_AGAIN_AFTER : timeLeft(live))
      if (reason !== null) watcher.ended(reason)
      else if (isAfterGap) watcher.mayHaveMissed()
      return true
    } catch {
      watch.isAfterGap ||= isAfterGap
      return watch.isStopped
    }
  }

  /** @returns null where it goes on */
  async function reasonOf(userId: string, sessionId: string): Promise<string | null> {
    const session = await sessions.find(userId, sessionId)
    if (session === null) return 'unknown_session'
    if (session.status === 'expired') {
      return session.idleExpiresAt <= session.expiresAt ? 'expired_idle' : 'expired_absolute'
    }
    return session.revokedReason
  }

  /** Or earlier, where it is due earlier. */
  function lookWithin(watch: Watch, milliseconds: number): void {
    const dueAt = performance.now() + milliseconds
    if (dueAt >= watch.dueAt) return
    clearTimeout(watch.timer)
    watch.dueAt = dueAt
    watch.timer = setTimeout(() => {
      watch.dueAt = Infinity
      lookAt(watch)
    }, milliseconds).unref()
  }

  /** Not all at once. */
  function lookSoon(watch: Watch, within: number): void {
    lookWithin(watch, Math.random() * within)
  }

  return {
    watch({ id: sessionId, userId }, watcher) {
      const watch: Watch = { userId, sessionId, watcher, dueAt: Infinity, isAfterGap: false, isStopped: false }
      all.add(watch)
      lookAt(watch)
      return () => {
        watch.isStopped = true
        clearTimeout(watch.timer)
        all.delete(watch)
        due.delete(watch)
      }
    },
    lookAtAll() {
      for (const watch of all) {
        if (watch.isAfterGap) continue
        watch.isAfterGap = true
        lookSoon(watch, LOOK_WITHIN)
      }
    },
    lookAtAllOf(userId) {
      for (const watch of all) if (watch.userId === userId) lookSoon(watch, LOOK_AT_PERSON_WITHIN)
    },
  }
}

function timeLeft({ session, now }: LiveSession): number {
  const end = Math.min(session.idleExpiresAt.getTime(), session.expiresAt.getTime())
  return Math.min(Math.max(end - now.getTime(), SHORTEST_WAIT), LONGEST_WAIT)
}
