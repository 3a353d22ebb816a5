/** A person takes back that they signed a device out: what was theirs to end is theirs to bring back, for a while. */
import { statement, type Queryable } from '../database/database.ts'
import type { Account } from '../users/account.ts'
import { Unavailable } from '../errors.ts'
import type { Actor } from './actor.ts'
import { ControlRefused, type ControlRefusalReason } from './control-refused.ts'
import { IS_LIVE, SESSION_COLUMNS, type SessionRow } from './session.ts'
import type { ControlRow, Decision } from './session-update.ts'

/** Seconds. */
const UNDO_WITHIN = 10 * 60

/** The newest end first. It is to be offered; `decideUndo` has the last word. */
export const readUndoable = (database: Queryable, userId: string): Promise<SessionRow[]> =>
  database.query(findUndoable, [userId, UNDO_WITHIN])

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
  if (row.now.getTime() - row.revoked_at.getTime() > UNDO_WITHIN * 1000) return 'too_late'
  return row.idle_expires_at <= row.now || row.absolute_expires_at <= row.now ? 'expired' : null
}

const findActor = statement<{ id: string }>(
  'sessions.find_actor',
  `select id from sessions where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}`,
)

/** What ends every session ends those too that somebody may want back: a changed password, above all. */
const ENDS_THOSE_OF_BEFORE = `type in (
     'user.confirmed', 'user.password_changed', 'user.password_reset', 'user.email_changed', 'user.email_reverted',
     'user.disabled')`

const findChange = statement<{ id: string }>(
  'sessions.find_change',
  `select id from events
   where user_id = $1::uuid and created_at >= $2::timestamptz and ${ENDS_THOSE_OF_BEFORE}
   limit 1`,
)

/** As `decideUndo` decides. The second bound of the history is there so that one or two months of it are read. */
const findUndoable = statement<SessionRow>(
  'sessions.find_undoable',
  `select ${SESSION_COLUMNS} from sessions
   where user_id = $1::uuid and revoked_reason = 'revoked_by_user'
     and revoked_at >= clock_timestamp() - make_interval(secs => $2::float8)
     and idle_expires_at > clock_timestamp() and absolute_expires_at > clock_timestamp()
     and not exists (
       select 1 from events
       where events.user_id = $1::uuid and events.created_at >= sessions.revoked_at
         and events.created_at >= now() - make_interval(secs => $2::float8) and ${ENDS_THOSE_OF_BEFORE})
   order by revoked_at desc, id desc`,
)
