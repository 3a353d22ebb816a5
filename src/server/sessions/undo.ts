/** A person takes back that they signed a device out: what was theirs to end is theirs to bring back, for a while. */
import { statement, type Queryable } from '../database/database.ts'
import type { Account } from '../users/account.ts'
import { Unavailable } from '../errors.ts'
import type { Actor } from './actor.ts'
import { ControlRefused, type ControlRefusalReason } from './control-refused.ts'
import { IS_LIVE } from './session.ts'
import type { ControlRow, Decision } from './session-update.ts'

/** Milliseconds. */
const UNDO_WITHIN = 10 * 60 * 1000

/**
 * @returns null where it lives: there is nothing to take back
 * @throws {ControlRefused}
 * @throws {Unavailable} who asks was signed out by what held the lock: asked again, they are told so
 */
export async function decideUndo(
  tx: Queryable,
  row: ControlRow,
  account: Account | null,
  actor: Actor,
): Promise<Decision | null> {
  if (row.status === 'active') return null
  const [own] = actor.sessionId === null ? [] : await tx.query(findActor, [row.user_id, actor.sessionId])
  if (own === undefined) throw new Unavailable('the session that asks has ended meanwhile')
  const reason = reasonAgainst(row, account)
  if (reason !== null) throw new ControlRefused(reason)
  const [change] = await tx.query(findChange, [row.user_id, row.revoked_at])
  if (change !== undefined) throw new ControlRefused('account_changed')
  return {
    deviceName: row.device_name,
    absoluteEnd: null,
    idleEnd: null,
    idleTtl: row.idle_ttl,
    pinned: row.pinned,
    data: row.data,
    claims: row.own_claims,
    isRevival: true,
    isCutShort: false,
    ends: null,
    details: {},
  }
}

function reasonAgainst(row: ControlRow, account: Account | null): ControlRefusalReason | null {
  if (account === null) return 'account_deleted'
  if (account.isDisabled) return 'account_disabled'
  if (row.revoked_at === null) return 'expired'
  if (row.revoked_reason !== 'revoked_by_user') return 'not_revoked_by_owner'
  if (row.now.getTime() - row.revoked_at.getTime() > UNDO_WITHIN) return 'too_late'
  return row.idle_expires_at <= row.now || row.absolute_expires_at <= row.now ? 'expired' : null
}

const findActor = statement<{ id: string }>(
  'sessions.find_actor',
  `select id from sessions where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}`,
)

/** What ends every session ends those too that somebody may want back: a changed password, above all. */
const findChange = statement<{ id: string }>(
  'sessions.find_change',
  `select id from events
   where user_id = $1::uuid and created_at >= $2::timestamptz and type in (
     'user.confirmed', 'user.password_changed', 'user.password_reset', 'user.email_changed', 'user.email_reverted',
     'user.disabled')
   limit 1`,
)
