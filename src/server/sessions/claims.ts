/**
 * What a session's access tokens say beside the protocol's own claims: what the user has, what this session has,
 * and the members of its `data` that its client chose. All three together stand in the row, so that a refresh asks
 * nobody else. When they change, older tokens are outdated: the feed tells so, and nobody is signed out.
 */
import { statement, type Queryable } from '../database/database.ts'
import { REVOCATIONS_CHANNEL } from '../revocations/ending-sessions.ts'
import { NEXT_TOKENS_FROM, OUTDATED_UNTIL } from './token-issuance.ts'

/** The members that go into access tokens. */
export const claimsInData = (
  data: Readonly<Record<string, unknown>>,
  dataClaims: readonly string[],
): Record<string, unknown> => Object.fromEntries(Object.entries(data).filter(([name]) => dataClaims.includes(name)))

/**
 * Brings the claims of live sessions up to date with what they are made of, in a transaction that has locked the
 * account's row and changed it, or a session of it.
 * @param sessionId one of them; null: all of the user's
 * @param feedSeconds life of an access token plus `FEED_MARGIN`
 * @returns the ids of those whose older tokens are outdated now
 */
export async function restateClaims(
  tx: Queryable,
  { userId, sessionId, feedSeconds }: { userId: string; sessionId: string | null; feedSeconds: number },
): Promise<string[]> {
  const restated = await tx.query(restate, [userId, sessionId, feedSeconds])
  return restated.map(({ id }) => id)
}

const restate = statement<{ id: string }>(
  'sessions.restate_claims',
  `with restated as (
     update sessions set
       claims = stated.claims,
       tokens_from = ${NEXT_TOKENS_FROM}
     from (
       select session.id, users.claims || session.own_claims || coalesce(
         (select jsonb_object_agg(member.key, member.value) from jsonb_each(session.data) as member
          where member.key = any (clients.data_claims)), '{}') as claims
       from sessions as session
       join users on users.id = session.user_id
       left join clients on clients.id = session.client_id
       where session.user_id = $1::uuid and ($2::uuid is null or session.id = $2::uuid)
     ) as stated
     where sessions.user_id = $1::uuid and sessions.id = stated.id
       and sessions.revoked_at is null and sessions.claims is distinct from stated.claims
     returning sessions.user_id, sessions.id, ${OUTDATED_UNTIL} as outdated_until
   ), feed as (
     insert into revocations (session_id, user_id, kind, issued_until, until)
     select id, user_id, 'stale', outdated_until, outdated_until + make_interval(secs => $3::float8) from restated
   )
   select id from restated`,
  { announces: REVOCATIONS_CHANNEL },
)
