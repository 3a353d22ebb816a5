/**
 * The revocations of the last hour, in every process. A failover can lose the newest commits of a
 * database; no lost commit may bring a session back, so after a connection was lost they are written again.
 */
import type { Logger } from 'pino'
import { statement, type Database } from '../database/database.ts'
import { createFollower } from '../database/follower.ts'
import type { RevocationBus } from './bus.ts'
import { endingSessions, FEED_MARGIN } from './ending-sessions.ts'
import { REVIVED } from './entry.ts'
import type { Feed, Revocation } from './feed.ts'

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
      take({ sid: row.session_id, userId: row.user_id, reason: row.reason, revokedAt: row.issued_until.getTime() })
    }
    forgetOld()
  }

  /** Of a session that ended and was brought back the last word counts; entries come in their order. */
  function take({ sid, userId, reason, revokedAt }: Pick<Revocation, 'sid' | 'userId' | 'reason' | 'revokedAt'>): void {
    readUntil = Math.max(readUntil, revokedAt)
    remembered.delete(sid)
    if (reason !== null && reason !== REVIVED) remembered.set(sid, { userId, reason, revokedAt })
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
    for (const [sessionId, { userId, reason, revokedAt }] of remembered) {
      const lost = [userId, reason, accessTtl + FEED_MARGIN, 'system', null, null, 'rewritten', sessionId] as const
      const hasExpired = reason === 'expired_idle' || reason === 'expired_absolute'
      const [again] = await database.query(hasExpired ? expireAgain : endAgain, [...lost, new Date(revokedAt)])
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
        for (const entry of news) if (entry.kind === 'revoked' || entry.reason === REVIVED) take(entry)
        forgetOld()
      })
      await read()
    },
    stop: () => newDatabase.stop(),
  }
}

const readRevocations = statement<{ session_id: string; user_id: string; reason: string | null; issued_until: Date }>(
  'revocations.read',
  `select session_id, user_id, reason, issued_until from revocations
   where (kind = 'revoked' or reason = '${REVIVED}') and issued_until > $1::timestamptz
   order by position limit $2::int`,
)

/** By the row itself: it may be brought back while this is on its way, and whoever did that has the last word. */
const WAS_NOT_REVIVED = '(revived_from is null or revived_from < $9::timestamptz)'

const endAgain = endingSessions('revocations.end_again', `id = $8::uuid and ${WAS_NOT_REVIVED}`)
const expireAgain = endingSessions(
  'revocations.expire_again',
  `id = $8::uuid and ${WAS_NOT_REVIVED}
   and idle_expires_at > clock_timestamp() and absolute_expires_at > clock_timestamp()`,
  { how: 'expire' },
)
