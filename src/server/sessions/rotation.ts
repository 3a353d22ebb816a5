/** A session's row goes on to the next generation: the statement that nearly every refresh is. */
import type { Terms } from '../clients/terms.ts'
import { statement, type Database } from '../database/database.ts'
import type { RefreshToken } from '../tokens/refresh-token.ts'
import { hashSecret } from '../tokens/secrets.ts'
import { baselineValues, setBaseline } from './baseline.ts'
import { hashIdempotencyKey } from './idempotency.ts'
import type { Appearance, Policies, Verdict } from './policies.ts'
import { recording, recordValues, type Judged } from './policy-records.ts'
import type { PresentedRefreshToken, RefreshSettings } from './refresh.ts'
import { IS_LIVE, nextIdleEnd } from './session.ts'
import { ISSUANCE_COLUMNS, type IssuanceRow } from './token-issuance.ts'

interface RotationDependencies {
  database: Database
  policies: Pick<Policies, 'idleAfter'>
  terms: Pick<Terms, 'ownIdleTtls'>
  settings: Pick<RefreshSettings, 'idleTtl'>
}

/** `recovered`: the row was behind, since commits were lost. */
export type RotatedRow = IssuanceRow & { recovered: boolean }

/** Generation g ≥ n of a live row, from a device that shows what it showed before: the row becomes g + 1. */
export async function rotate(
  deps: RotationDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
  { seen }: Appearance,
): Promise<RotatedRow | undefined> {
  const values = [...rotationValues(token, presented, deps), seen, deps.policies.idleAfter]
  const [row] = await deps.database.query(rotateSession, values)
  return row
}

/** As `rotate`, from a device that showed something else before, if nobody was faster; from then on it is compared with this. */
export async function rotateChanged(
  deps: RotationDependencies,
  token: RefreshToken,
  presented: PresentedRefreshToken,
  row: Judged,
  verdict: Verdict,
): Promise<RotatedRow | undefined> {
  const values = rotationValues(token, presented, deps)
  const [rotated] = await deps.database.query(rotateChangedSession, [
    ...values,
    row.seen,
    ...baselineValues(verdict.baseline, verdict.isSameDevice),
    ...recordValues(row, verdict),
  ])
  return rotated
}

/** $1 to $10 of the statements that rotate. */
const rotationValues = (
  token: RefreshToken,
  presented: PresentedRefreshToken,
  { settings, terms }: RotationDependencies,
) =>
  [
    token.userId,
    token.sessionId,
    hashSecret(token.secret),
    token.generation,
    presented.transport,
    presented.clientId,
    hashIdempotencyKey(token.sessionId, presented.idempotencyKey),
    settings.idleTtl,
    presented.ip,
    terms.ownIdleTtls(),
  ] as const

const ROTATED = `
     generation = $4::bigint + 1,
     recovered = generation < $4::bigint,
     rotated_at = clock_timestamp(),
     last_used_at = clock_timestamp(),
     idle_expires_at = ${nextIdleEnd('$8', '$10')},
     ip_last = $9::inet,
     idempotency_hashes = case
       when generation = $4::bigint then $7::bytea || substring(idempotency_hashes from 1 for 48)
       else $7::bytea || decode(repeat('00', 48), 'hex')
     end`

const MAY_ROTATE = `
     user_id = $1::uuid and id = $2::uuid
     and generation <= $4::bigint
     and secret_hash = $3::bytea
     and transport = $5::text
     and ($6::text is null or client_id = $6::text)
     and ${IS_LIVE}`

/** `local` suffices for this commit, where standbys are synchronous: the token proves itself (g > n). */
const ROTATED_ROW = `${ISSUANCE_COLUMNS}, recovered, set_config('synchronous_commit', 'local', true)`

/**
 * Every condition stands on the updated row itself: after waiting for a concurrent refresh PostgreSQL
 * looks again at that row only (measured: with a self-join or a sub-select the loser rotates too).
 */
const rotateSession = statement<RotatedRow>(
  'refresh.rotate',
  `update sessions set ${ROTATED}
   where ${MAY_ROTATE}
     and seen = $11::bytea
     and ($12::float8 is null or last_used_at > clock_timestamp() - make_interval(secs => $12::float8))
   returning ${ROTATED_ROW}`,
)

/** The same, only as long as nobody else was seen since the row was read. */
const rotateChangedSession = statement<RotatedRow>(
  'refresh.rotate_changed',
  `with rotated as (
     update sessions set ${ROTATED}, step_up = null, ${setBaseline(12)}
     where ${MAY_ROTATE} and seen is not distinct from $11::bytea
     returning ${ROTATED_ROW}
   ), ${recording('rotated', 25)}
   select * from rotated`,
)
