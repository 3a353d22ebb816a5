/**
 * How sessions end: the rows, the feed's entries and the history commit together, in one statement; then
 * every process is told.
 */
import { statement, type Statement } from '../database/database.ts'

/** Every process hears here that sessions ended. */
export const REVOCATIONS_CHANNEL = 'hallpass_revocations'

export interface EndedSession {
  id: string
}

/** An entry stays in force until the last access token it concerns has expired. Seconds. */
export const FEED_MARGIN = 60

export interface EndingOptions {
  /** For the outbox: the purpose of the message that tells the user, or none. */
  readonly mail?: string
  /** Which administrator it was, as an expression: `$9::uuid`. */
  readonly actorId?: string
  /** Whose sessions: those of the user $1, unless told otherwise. */
  readonly whose?: string
  /** `expire`: their time is over from now on, nobody revoked them; the reason says which time. */
  readonly how?: 'revoke' | 'expire'
}

/**
 * A statement that ends the sessions that `which` selects. Its first parameters are always:
 * $1 user id · $2 reason · $3 life of an access token plus margin, seconds · $4 actor ('user', 'admin',
 * 'system') · $5 the actor's session or null · $6 the actor's address or null · $7 the event's subtype
 * or null. `which` may use $8 and following.
 *
 * The entry is of the time when the row was there to be changed, which RETURNING reads: while the update waits for
 * replays, which share the row's lock, others come by, and their tokens are covered too. And a token that waits for its
 * second (sessions/token-issuance.ts) is made for `tokens_from`, which may be yet to come.
 */
export function endingSessions(name: string, which: string, options: EndingOptions = {}): Statement<EndedSession> {
  const { mail, actorId = 'null::uuid', whose = 'user_id = $1::uuid', how = 'revoke' } = options
  const { change, event } = HOW[how]
  return statement(
    name,
    `with ended as (
       update sessions set ${change}
       where ${whose} and revoked_at is null and (${which})
       returning user_id, id, greatest(clock_timestamp(), tokens_from) as issued_until
     ), feed as (
       insert into revocations (session_id, user_id, kind, reason, issued_until, until)
       select id, user_id, 'revoked', $2::text, issued_until, issued_until + make_interval(secs => $3::float8) from ended
     ), history as (
       insert into events (user_id, session_id, type, reason, subtype, actor, actor_id, actor_session_id, ip)
       select user_id, id, '${event}', $2::text, $7::text, $4::text, ${actorId}, $5::uuid, $6::inet from ended
     )${mail === undefined ? '' : mailing(mail)}
     select id from ended`,
    { announces: REVOCATIONS_CHANNEL },
  )
}

const HOW = {
  revoke: {
    change: 'revoked_at = clock_timestamp(), revoked_reason = $2::text',
    event: 'session.revoked',
  },
  expire: {
    change: `
      idle_expires_at = case $2::text when 'expired_idle' then clock_timestamp() else idle_expires_at end,
      absolute_expires_at = case $2::text when 'expired_absolute' then clock_timestamp() else absolute_expires_at end`,
    event: 'session.expired',
  },
} as const

const mailing = (purpose: string): string => `, mail as (
       insert into outbox (kind, payload)
       select 'mail', jsonb_build_object(
         'purpose', '${purpose}', 'user_id', user_id, 'session_id', id, 'subtype', $7::text) from ended
     )`
