/**
 * The revocations of the last hour, in every process. A failover can lose the newest commits of a
 * database; no lost commit may bring a session back, so after a connection was lost they are written again.
 */
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { createFollower } from '../database/follower.ts'
import type { RevocationBus } from './bus.ts'
import { endingSessions, FEED_MARGIN } from './ending-sessions.ts'
import type { Feed } from './feed.ts'

export interface RevocationMemory {
  /** Reads the last hour, and from then on what any process revokes. */
  start(): Promise<void>
  /** Writes again what the database has forgotten; returns how many sessions that were. */
  rewrite(): Promise<number>
  stop(): void
}

interface Remembered {
  readonly userId: string
  readonly reason: string
  /** Milliseconds since 1970, by the database's clock. */
  readonly revokedAt: number
}

/** Milliseconds. */
const REMEMBER_FOR = 60 * 60 * 1000
/** A statement may commit this much later than its clock said. Milliseconds. */
const LATEST_COMMIT = 30_000
/** Some 200 bytes each: what a process spends on it at most, should everybody be signed out at once. */
const MOST = 500_000

/** @param accessTtl life of an access token, seconds */
export function createRevocationMemory(deps: {
  database: Database
  bus: RevocationBus
  feed: Pick<Feed, 'subscribe'>
  accessTtl: number
  log: Logger
  now?: () => number
}): RevocationMemory {
  const { database, bus, feed, accessTtl, log, now = Date.now } = deps
  /** By session id, oldest first. */
  const remembered = new Map<string, Remembered>()
  let readUntil = 0

  /** From the table, never from a notification: anybody who may connect can send one. */
  async function read(): Promise<void> {
    const since = Math.max(now() - REMEMBER_FOR, readUntil - LATEST_COMMIT)
    for (const row of await database.query(readRevocations, [new Date(since), MOST])) {
      remember(row.session_id, { userId: row.user_id, reason: row.reason, revokedAt: row.issued_until.getTime() })
    }
    forgetOld()
  }

  function remember(sessionId: string, revocation: Remembered): void {
    remembered.delete(sessionId)
    remembered.set(sessionId, revocation)
    readUntil = Math.max(readUntil, revocation.revokedAt)
  }

  function forgetOld(): void {
    for (const [sessionId, { revokedAt }] of remembered) {
      if (revokedAt > now() - REMEMBER_FOR && remembered.size <= MOST) return
      remembered.delete(sessionId)
    }
  }

  async function rewrite(): Promise<number> {
    await read()
    let count = 0
    for (const [sessionId, { userId, reason }] of remembered) {
      const lost = [userId, reason, accessTtl + FEED_MARGIN, 'system', null, null, 'rewritten', sessionId] as const
      const [again] = await database.query(endAgain, lost)
      if (again !== undefined) count += 1
    }
    if (count > 0) log.warn({ event: 'revocations_rewritten', count }, 'the database had lost revocations')
    return count
  }

  /** The connection is back, the database perhaps another one, and not always ready at once. */
  const newDatabase = createFollower(rewrite)

  return {
    rewrite,
    async start() {
      await bus.subscribe({ onNews: () => undefined, onGap: newDatabase.changed })
      feed.subscribe(({ news }) => {
        for (const { sid, kind, userId, reason, revokedAt } of news) {
          if (kind === 'revoked' && reason !== null) remember(sid, { userId, reason, revokedAt })
        }
        forgetOld()
      })
      await read()
    },
    stop: () => newDatabase.stop(),
  }
}

const readRevocations = statement<{ session_id: string; user_id: string; reason: string; issued_until: Date }>(
  'revocations.read',
  `select session_id, user_id, reason, issued_until from revocations
   where kind = 'revoked' and issued_until > $1::timestamptz
   order by issued_until limit $2::int`,
)

const endAgain = endingSessions('revocations.end_again', 'id = $8::uuid')
