/**
 * The revocations of the last hour, in every process. A failover can lose the newest commits of a
 * database; no lost commit may bring a session back, so after a connection was lost they are written again.
 */
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { endingSessions, FEED_MARGIN, REVOCATIONS_CHANNEL } from './ending-sessions.ts'

export interface RevocationMemory {
  /** Listens for what any process revokes. */
  start(): Promise<void>
  /** Writes again what the database has forgotten; returns how many sessions that were. */
  rewrite(): Promise<number>
  knows(sessionId: string): boolean
}

interface Remembered {
  readonly userId: string
  readonly reason: string
  readonly heardAt: number
}

/** Milliseconds. */
const REMEMBER_FOR = 60 * 60 * 1000
const RETRY_AFTER = 1_000

/** @param accessTtl life of an access token, seconds */
export function createRevocationMemory(deps: {
  database: Database
  accessTtl: number
  log: Logger
  now?: () => number
}): RevocationMemory {
  const { database, accessTtl, log, now = Date.now } = deps
  /** By session id, oldest first. */
  const remembered = new Map<string, Remembered>()

  function remember(payload: string): void {
    const { sid, sub, kind, reason } = JSON.parse(payload) as Record<string, string>
    if (kind !== 'revoked' || sid === undefined || sub === undefined || reason === undefined) return
    remembered.delete(sid)
    remembered.set(sid, { userId: sub, reason, heardAt: now() })
    forgetOld()
  }

  function forgetOld(): void {
    for (const [sid, { heardAt }] of remembered) {
      if (heardAt > now() - REMEMBER_FOR) return
      remembered.delete(sid)
    }
  }

  async function rewrite(): Promise<number> {
    forgetOld()
    let count = 0
    for (const [sid, { userId, reason }] of remembered) {
      const lost = [userId, reason, accessTtl + FEED_MARGIN, 'system', null, null, 'rewritten', sid] as const
      const [again] = await database.query(endAgain, lost)
      if (again !== undefined) count += 1
    }
    if (count > 0) log.warn({ event: 'revocations_rewritten', count }, 'the database had lost revocations')
    return count
  }

  /** The connection is back, the database perhaps another one, and not always ready at once. */
  function rewriteUntilDone(): void {
    rewrite().catch(() => void setTimeout(rewriteUntilDone, RETRY_AFTER).unref())
  }

  return {
    rewrite,
    knows: (sessionId) => remembered.has(sessionId),
    start: () => database.listen(REVOCATIONS_CHANNEL, remember, rewriteUntilDone),
  }
}

const endAgain = endingSessions('revocations.end_again', 'id = $8::uuid')
