/**
 * Everything that an operator can change about a session: how long it is good, whether it has ended, and what it
 * carries (docs/sessions.md). Each change is decided under the locks of the account and of the row, is in the
 * history with who did it, and reaches APIs by the feed where tokens of before would say otherwise.
 */
import { statement, type Database, type Queryable } from '../database/database.ts'
import { endingSessions, FEED_MARGIN, REVOCATIONS_CHANNEL } from '../revocations/ending-sessions.ts'
import { REVIVED } from '../revocations/entry.ts'
import type { Account } from '../users/account.ts'
import { lockAccountFor } from '../users/locking.ts'
import type { Actor } from './actor.ts'
import { ANNOUNCED_TO_OWNER } from './changes.ts'
import { restateClaims } from './claims.ts'
import { FULL_SESSION_COLUMNS, toFullSession, type FullSession, type FullSessionRow } from './full-session.ts'
import { IS_LIVE, toSession, type Session } from './session.ts'
import { checkUpdate, decide, type ControlRow, type Decision, type SessionUpdate } from './session-update.ts'
import { NEXT_TOKENS_FROM, OUTDATED_UNTIL } from './token-issuance.ts'
import { decideUndo, readUndoable } from './undo.ts'

export interface Control {
  /** Whatever its status. */
  findInFull(userId: string, sessionId: string): Promise<FullSession | null>
  /**
   * All of the update, or nothing of it.
   * @returns the session as it is then; null when the user has no such session
   * @throws {InvalidMember} what cannot be, and where
   * @throws {ControlRefused} `session_ended`: it is over, and the update does not revive it; `not_revivable`, and why
   */
  update(userId: string, sessionId: string, update: SessionUpdate, actor: Actor): Promise<FullSession | null>
  /**
   * Its owner takes back that they signed it out, within ten minutes: all is as it was.
   * @returns null when the user has no such session
   * @throws {ControlRefused} `not_revivable`, and why
   */
  undo(userId: string, sessionId: string, actor: Actor): Promise<FullSession | null>
  /** What its owner can take back now; the newest end first. */
  listUndoable(userId: string): Promise<Session[]>
}

export interface ControlSettings {
  /** Seconds. */
  readonly idleTtl: number
  readonly accessTtl: number
}

export function createControl({ database, settings }: { database: Database; settings: ControlSettings }): Control {
  const feedSeconds = settings.accessTtl + FEED_MARGIN

  async function findInFullBy(tx: Queryable, userId: string, sessionId: string): Promise<FullSession | null> {
    const [row] = await tx.query(findInFull, [userId, sessionId])
    return row ? toFullSession(row) : null
  }

  /** Whoever holds the account's lock may be about to end all of its sessions, and goes first. */
  const onSession = (
    userId: string,
    sessionId: string,
    actor: Actor,
    work: (tx: Queryable, row: ControlRow, account: Account | null) => Promise<void>,
  ): Promise<FullSession | null> =>
    database.transaction(async (tx) => {
      const account = await lockAccountFor(tx, userId, actor)
      const [row] = await tx.query(lockSession, [userId, sessionId, settings.idleTtl])
      if (row === undefined) return null
      await work(tx, row, account)
      return findInFullBy(tx, userId, sessionId)
    })

  async function apply(tx: Queryable, row: ControlRow, decision: Decision, actor: Actor): Promise<void> {
    const { isRevival, isCutShort, ends, details } = decision
    const who = { userId: row.user_id, sessionId: row.id }
    const values = [
      who.userId,
      who.sessionId,
      isRevival ? 'session.revived' : 'session.updated',
      actor.kind,
      actor.id ?? null,
      actor.sessionId,
      actor.ip,
      JSON.stringify(details),
      decision.deviceName,
      decision.absoluteEnd,
      decision.idleEnd,
      decision.idleTtl,
      decision.pinned,
      JSON.stringify(decision.data),
      JSON.stringify(decision.claims),
    ]
    const outdates = isRevival || (isCutShort && ends === null)
    if (outdates) await tx.query(storeAndOutdate, [...values, isRevival, feedSeconds])
    else if (Object.keys(details).length > 0) await tx.query(store, values)
    await restateClaims(tx, { ...who, feedSeconds })
    if (ends === null) return
    const ending = [who.userId, ends, feedSeconds, actor.kind, actor.sessionId, actor.ip, null] as const
    await tx.query(expire, [...ending, who.sessionId, actor.id ?? null])
  }

  return {
    findInFull: (userId, sessionId) => findInFullBy(database, userId, sessionId),
    async update(userId, sessionId, update, actor) {
      checkUpdate(update)
      return onSession(userId, sessionId, actor, (tx, row, account) =>
        apply(tx, row, decide(row, account, update, settings.accessTtl), actor),
      )
    },
    undo: (userId, sessionId, actor) =>
      onSession(userId, sessionId, actor, async (tx, row, account) => {
        const decision = await decideUndo(tx, row, account, actor)
        if (decision !== null) await apply(tx, row, decision, actor)
      }),
    listUndoable: async (userId) => (await readUndoable(database, userId)).map(toSession),
  }
}

const findInFull = statement<FullSessionRow>(
  'sessions.find_in_full',
  `select ${FULL_SESSION_COLUMNS} from sessions where user_id = $1::uuid and id = $2::uuid`,
)

const lockSession = statement<ControlRow>(
  'sessions.lock',
  `select ${FULL_SESSION_COLUMNS}, clock_timestamp() as now,
     coalesce((select clients.idle_ttl from clients where clients.id = sessions.client_id), $3::int) as idle_life,
     (select clients.data_claims from clients where clients.id = sessions.client_id) as data_claims
   from sessions where user_id = $1::uuid and id = $2::uuid
   for no key update`,
)

const CHANGES = `
  device_name = $9::text,
  absolute_expires_at = coalesce($10::timestamptz, absolute_expires_at),
  idle_expires_at = case when $13::boolean then coalesce($10::timestamptz, absolute_expires_at)
    else coalesce($11::timestamptz, idle_expires_at) end,
  idle_ttl = $12::int,
  pinned = $13::boolean,
  data = $14::jsonb,
  own_claims = $15::jsonb`

const HISTORY = `
  insert into events (user_id, session_id, type, actor, actor_id, actor_session_id, ip, details)
  select user_id, id, $3::text, $4::text, $5::uuid, $6::uuid, $7::inet, $8::jsonb from changed`

const store = statement<{ id: string }>(
  'sessions.store',
  `with changed as (
     update sessions set ${CHANGES}
     where user_id = $1::uuid and id = $2::uuid
     returning user_id, id
   ), history as (${HISTORY})
   select id from changed`,
  ANNOUNCED_TO_OWNER,
)

/**
 * Tokens of before are outdated. Whoever is revived was ended, so that those are refused already: the entry says
 * that the session lives. The end that is taken back is `issued_until` of the entry that told of it.
 */
const storeAndOutdate = statement<{ id: string }>(
  'sessions.store_and_outdate',
  `with changed as (
     update sessions set ${CHANGES},
       revoked_at = null,
       revoked_reason = null,
       revived_from = case when $16::boolean
         then greatest(coalesce(revoked_at, least(idle_expires_at, absolute_expires_at)), tokens_from)
         else revived_from end,
       tokens_from = ${NEXT_TOKENS_FROM}
     where user_id = $1::uuid and id = $2::uuid
     returning user_id, id, ${OUTDATED_UNTIL} as outdated_until
   ), feed as (
     insert into revocations (session_id, user_id, kind, reason, issued_until, until)
     select id, user_id, 'stale', case when $16::boolean then '${REVIVED}' else 'cut_short' end,
       outdated_until, outdated_until + make_interval(secs => $17::float8)
     from changed
   ), history as (${HISTORY})
   select id from changed`,
  { announces: REVOCATIONS_CHANNEL },
)

const expire = endingSessions('sessions.expire', `${IS_LIVE} and id = $8::uuid`, {
  actorId: '$9::uuid',
  how: 'expire',
})
