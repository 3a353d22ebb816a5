/** A person proves again who they are, in a session that goes on. */
import { statement, type Database } from '../database/database.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { ISSUANCE_COLUMNS, issueAccessToken, type IssuanceRow } from './token-issuance.ts'
import { IS_LIVE } from './session.ts'

/** @param method how the person confirmed it is them: `pwd` or `otp` (RFC 8176) */
export type Reauthenticate = (
  userId: string,
  sessionId: string,
  method: string,
  ip: string | null,
) => Promise<{ accessToken: string; expiresIn: number } | null>

/**
 * The fresh `auth_time` is in the access token this returns and in no later one, so that a thief who
 * holds the refresh token cannot ride on it. The grace of the last rotation ends here, for the same reason.
 * @returns null when the session ended meanwhile
 */
export const createReauthenticate =
  ({ database, accessTokens }: { database: Database; accessTokens: AccessTokens }): Reauthenticate =>
  async (userId, sessionId, method, ip) => {
    const [row] = await database.query(endGrace, [userId, sessionId, ip])
    if (row === undefined) return null
    const amr = [...new Set([...row.amr, method])]
    return issueAccessToken(accessTokens, { ...row, amr }, row.now)
  }

const endGrace = statement<IssuanceRow>(
  'sessions.reauthenticate',
  `with confirmed as (
     update sessions set rotated_at = null
     where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}
     returning ${ISSUANCE_COLUMNS}
   ), history as (
     insert into events (user_id, session_id, type, actor, actor_session_id, ip)
     select user_id, id, 'session.reauthenticated', 'user', id, $3::inet from confirmed
   )
   select * from confirmed`,
)
