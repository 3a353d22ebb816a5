/** How keys end, or the access tokens made with them: the rows, the feed's entries and the history commit together. */
import { statement, type Statement } from '../database/database.ts'
import { REVOCATIONS_CHANNEL } from '../revocations/ending-sessions.ts'

const feed = (from: string, reason: string): string => `
  insert into revocations (session_id, user_id, kind, reason, issued_until, until)
  select id, coalesce(user_id, id), 'revoked', ${reason}, at, at + make_interval(secs => $2::float8) from ${from}`

/**
 * $1 owner or null · $2 seconds the feed remembers · $3 reason · $4 actor · $5 the actor's session · $6 address
 * · $7 which administrator.
 * The feed names the key's id, which is the `sid` of the access tokens made with it.
 */
const revokingKeys = (name: string, which: string): Statement<{ id: string }> =>
  statement(
    name,
    `with ended as (
       update api_keys set revoked_at = clock_timestamp()
       where user_id is not distinct from $1::uuid and revoked_at is null and (${which})
       returning id, user_id, revoked_at as at
     ), feed as (${feed('ended', '$3::text')}
     ), history as (
       insert into events (user_id, session_id, type, reason, actor, actor_session_id, ip, actor_id)
       select coalesce(user_id, id), id, 'api_key.revoked', $3::text, $4::text, $5::uuid, $6::inet, $7::uuid from ended
     )
     select id from ended`,
    { announces: REVOCATIONS_CHANNEL },
  )

export const revokeOne = revokingKeys('api_keys.revoke', 'id = $8::uuid')
export const revokeAll = revokingKeys('api_keys.revoke_all', 'true')

const endingTokens = (name: string, which: string): Statement<{ id: string }> =>
  statement(
    name,
    `with ended as (
       update api_keys set tokens_ended_at = clock_timestamp() where ${which} and revoked_at is null
       returning id, user_id, tokens_ended_at as at
     ), feed as (${feed('ended', '$3::text')}
     )
     select id from ended`,
    { announces: REVOCATIONS_CHANNEL },
  )

export const endTokensOfOwner = endingTokens('api_keys.end_tokens_of_owner', 'user_id = $1::uuid')
export const endTokensOfKey = endingTokens('api_keys.end_tokens', 'id = $1::uuid')
