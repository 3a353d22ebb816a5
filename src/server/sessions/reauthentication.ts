/** A person proves again who they are, in a session that goes on. */
import type { IncomingHttpHeaders } from 'node:http'
import { statement, type Database } from '../database/database.ts'
import type { Locate } from '../location/location.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { baselineValues, readBaseline, setBaseline } from './baseline.ts'
import type { See } from './seen.ts'
import { ISSUANCE_COLUMNS, issueAccessToken, type IssuanceRow } from './token-issuance.ts'
import { IS_LIVE } from './session.ts'

/**
 * @param method how the person confirmed it is them: `pwd` or `otp` (RFC 8176)
 * @param headers what the request says of its device
 */
export type Reauthenticate = (
  userId: string,
  sessionId: string,
  method: string,
  ip: string | null,
  headers?: IncomingHttpHeaders,
) => Promise<{ accessToken: string; expiresIn: number } | null>

/**
 * The fresh `auth_time` is in the access token this returns and in no later one, so that a thief who
 * holds the refresh token cannot ride on it. The grace of the last rotation ends here, for the same reason.
 *
 * What policies hold against the device is settled: it is the one that the next refresh is compared with.
 * @returns null when the session ended meanwhile
 */
export const createReauthenticate =
  (deps: { database: Database; accessTokens: AccessTokens; policies: { see: See }; locate: Locate }): Reauthenticate =>
  async (userId, sessionId, method, ip, headers = {}) => {
    const { database, accessTokens, policies, locate } = deps
    const baseline = readBaseline(headers, ip, policies.see(headers, ip), locate)
    const [row] = await database.query(confirmDevice, [userId, sessionId, ip, ...baselineValues(baseline, true)])
    if (row === undefined) return null
    const amr = [...new Set([...row.amr, method])]
    return issueAccessToken(accessTokens, { ...row, amr }, row.now)
  }

const confirmDevice = statement<IssuanceRow>(
  'sessions.reauthenticate',
  `with confirmed as (
     update sessions set
       rotated_at = null, step_up = null, last_used_at = clock_timestamp(), ip_last = $3::inet, ${setBaseline(4)}
     where user_id = $1::uuid and id = $2::uuid and ${IS_LIVE}
     returning ${ISSUANCE_COLUMNS}
   ), history as (
     insert into events (user_id, session_id, type, actor, actor_session_id, ip)
     select user_id, id, 'session.reauthenticated', 'user', id, $3::inet from confirmed
   )
   select * from confirmed`,
)
