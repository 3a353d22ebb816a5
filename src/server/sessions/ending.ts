/** The ways in which a session ends by somebody's will. */
import { NIL } from 'uuid'
import type { RevocationReason } from '../../protocol/errors.ts'
import { statement, type Database, type Queryable } from '../database/database.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import { lockAccountFor } from '../users/locking.ts'
import type { Actor } from './actor.ts'
import { IS_LIVE } from './session.ts'

export interface Ending {
  /** @returns false when the user has no such session; true also when it had ended or expired before */
  revoke(userId: string, sessionId: string, reason: RevocationReason, actor: Actor): Promise<boolean>
  /** The same inside a transaction that has locked the account's row. */
  revokeIn(tx: Queryable, userId: string, sessionId: string, reason: RevocationReason, actor: Actor): Promise<void>
  /** By somebody's will; not because its time was over. */
  hasEndedIn(tx: Queryable, userId: string, sessionId: string): Promise<boolean>
  /** What was the token before the last rotation is answered no more, except with its key. */
  endGraceIn(tx: Queryable, userId: string, sessionId: string): Promise<void>
  /**
   * Ends every live session of the user, but for `except`.
   * @returns how many
   */
  revokeAll(userId: string, except: string | null, reason: RevocationReason, actor: Actor): Promise<number>
  /** The same inside a transaction that changes the account and has locked its row. */
  revokeAllIn(
    tx: Queryable,
    userId: string,
    except: string | null,
    reason: RevocationReason,
    actor: Actor,
  ): Promise<number>
  /** Ends every live session of everybody: after a restore, or when a key leaked. @returns how many */
  revokeEverybody(reason: RevocationReason, actor: Actor): Promise<number>
}

/** @param accessTtl life of an access token, seconds: how long the feed has to remember an ended session */
export function createEnding({ database, accessTtl }: { database: Database; accessTtl: number }): Ending {
  const values = (userId: string, reason: RevocationReason, actor: Actor, last: string | null) =>
    [
      userId,
      reason,
      accessTtl + FEED_MARGIN,
      actor.kind,
      actor.sessionId,
      actor.ip,
      null,
      last,
      actor.id ?? null,
    ] as const

  const revokeAllIn = async (
    tx: Queryable,
    userId: string,
    except: string | null,
    reason: RevocationReason,
    actor: Actor,
  ): Promise<number> => (await tx.query(endAll, values(userId, reason, actor, except))).length

  const revokeAll = (userId: string, except: string | null, reason: RevocationReason, actor: Actor): Promise<number> =>
    database.transaction(async (tx) => {
      // A sign-in in flight holds this lock until its session is there to be ended.
      await lockAccountFor(tx, userId, actor)
      return revokeAllIn(tx, userId, except, reason, actor)
    })

  return {
    revokeAll,
    revokeAllIn,
    async revokeIn(tx, userId, sessionId, reason, actor) {
      await tx.query(endOne, values(userId, reason, actor, sessionId))
    },
    async hasEndedIn(tx, userId, sessionId) {
      const [ended] = await tx.query(findEnded, [userId, sessionId])
      return ended !== undefined
    },
    async endGraceIn(tx, userId, sessionId) {
      await tx.query(endGrace, [userId, sessionId])
    },
    async revokeEverybody(reason, actor) {
      let count = 0
      let last: string = NIL // sorts before every user's id
      for (;;) {
        const users = await database.query(nextUsers, [last])
        for (const { user_id: userId } of users) count += await revokeAll(userId, null, reason, actor)
        const end = users.at(-1)
        if (end === undefined) return count
        last = end.user_id
      }
    },
    async revoke(userId, sessionId, reason, actor) {
      const [ended] = await database.query(endOne, values(userId, reason, actor, sessionId))
      if (ended !== undefined) return true
      const [known] = await database.query(exists, [userId, sessionId])
      return known !== undefined
    },
  }
}

const endOne = endingSessions('sessions.end', `${IS_LIVE} and id = $8::uuid`, { actorId: '$9::uuid' })
const endAll = endingSessions('sessions.end_all', `${IS_LIVE} and ($8::uuid is null or id <> $8::uuid)`, {
  actorId: '$9::uuid',
})

const findEnded = statement<{ id: string }>(
  'sessions.find_ended',
  'select id from sessions where user_id = $1::uuid and id = $2::uuid and revoked_at is not null',
)

const endGrace = statement(
  'sessions.end_grace',
  `update sessions set rotated_at = null where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}`,
)

/** Along the primary key, so that each row is read once, however many there are. */
const nextUsers = statement<{ user_id: string }>(
  'sessions.next_users',
  `select distinct user_id from (
     select user_id from sessions where user_id > $1::uuid order by user_id limit 5000
   ) as next order by user_id`,
)

const exists = statement<{ id: string }>(
  'sessions.exists',
  'select id from sessions where user_id = $1::uuid and id = $2::uuid',
)
