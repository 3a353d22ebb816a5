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

/**
 * A statement that ends the sessions that `which` selects. Its first parameters are always:
 * $1 user id · $2 reason · $3 life of an access token plus margin, seconds · $4 actor ('user', 'admin',
 * 'system') · $5 the actor's session or null · $6 the actor's address or null · $7 the event's subtype
 * or null. `which` may use $8 and following.
 *
 * The entry is of the time when the row was there to be changed, which RETURNING reads: while the update waits for
 * replays, which share the row's lock, others come by, and their tokens are covered too.
 * @param mail for the outbox: the purpose of the message that tells the user, or none
 */
export const endingSessions = (name: string, which: string, mail?: string): Statement<EndedSession> =>
  statement(
    name,
    `with ended as (
       update sessions set revoked_at = clock_timestamp(), revoked_reason = $2::text
       where user_id = $1::uuid and revoked_at is null and (${which})
       returning user_id, id, clock_timestamp() as issued_until
     ), feed as (
       insert into revocations (session_id, user_id, kind, reason, issued_until, until)
       select id, user_id, 'revoked', $2::text, issued_until, issued_until + make_interval(secs => $3::float8) from ended
     ), history as (
       insert into events (user_id, session_id, type, reason, subtype, actor, actor_session_id, ip)
       select user_id, id, 'session.revoked', $2::text, $7::text, $4::text, $5::uuid, $6::inet from ended
     )${mail === undefined ? '' : mailing(mail)}
     select id from ended`,
    { announces: REVOCATIONS_CHANNEL },
  )

const mailing = (purpose: string): string => `, mail as (
       insert into outbox (kind, payload)
       select 'mail', jsonb_build_object(
         'purpose', '${purpose}', 'user_id', user_id, 'session_id', id, 'subtype', $7::text) from ended
     )`
