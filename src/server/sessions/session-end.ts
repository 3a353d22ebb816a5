/**
 * How a session ended, as far as whoever still holds one of its tokens may know it. That can be a thief: nothing
 * is told beyond the reason where a thief's device may be the one that was ended, and never where somebody is
 * (docs/decisions/0031).
 */
import type { RevocationReason } from '../../protocol/errors.ts'
import { statement, type Queryable } from '../database/database.ts'
import type { SessionRow } from './session.ts'

export interface SessionEnd {
  readonly reason: RevocationReason | 'expired_idle' | 'expired_absolute'
  /** Null where it is not told, and where nobody did it. */
  readonly at: Date | null
  /** The person's own device from which it was done; null too where that is not known any more. */
  readonly by: EndingDevice | null
}

export interface EndingDevice {
  readonly sessionId: string
  /** Whether it is the ended session itself. */
  readonly isSame: boolean
  /** What its owner called it. */
  readonly name: string | null
  readonly label: string
}

/** What a person does to their own devices. */
const OWN_DOING: readonly string[] = [
  'signed_out',
  'revoked_by_user',
  'password_changed',
  'email_changed',
  'account_deleted',
] satisfies RevocationReason[]

/** Of these it is told when, and nothing else: an administrator, a link in a mail, a sign-in. */
const WITHOUT_DEVICE: readonly string[] = [
  'revoked_by_admin',
  'password_reset',
  'account_disabled',
  'session_limit',
  'replaced',
] satisfies RevocationReason[]

/** One query, and only where there is something more to tell. */
export async function readEnd(
  database: Queryable,
  ended: { readonly userId: string; readonly id: string; readonly reason: string; readonly revokedAt: Date | null },
): Promise<SessionEnd> {
  const { userId, id, revokedAt } = ended
  const reason = ended.reason as SessionEnd['reason']
  if (OWN_DOING.includes(reason)) {
    const [by] = await database.query(findEndingDevice, [userId, id, revokedAt])
    return { reason, at: revokedAt, by: by ? toEndingDevice(by, id) : null }
  }
  return { reason, at: WITHOUT_DEVICE.includes(reason) ? revokedAt : null, by: null }
}

const toEndingDevice = (row: EndingDeviceRow, endedId: string): EndingDevice => ({
  sessionId: row.id,
  isSame: row.id === endedId,
  name: row.device_name,
  label: row.device_label,
})

type EndingDeviceRow = Pick<SessionRow, 'id' | 'device_name' | 'device_label'>

/**
 * The event was written in the statement that ended the session, some moments after `revoked_at`. Both bounds
 * stand there so that one month of the history is read. Of a session that was revived and ended again it is the
 * last one.
 */
const findEndingDevice = statement<EndingDeviceRow>(
  'sessions.find_ending_device',
  `select device.id, device.device_name, device.device_label
   from events join sessions as device on device.user_id = $1::uuid and device.id = events.actor_session_id
   where events.user_id = $1::uuid
     and events.created_at between $3::timestamptz - interval '1 second' and $3::timestamptz + interval '1 minute'
     and events.session_id = $2::uuid and events.type = 'session.revoked' and events.actor = 'user'
   order by events.created_at desc limit 1`,
)
