/** A session's row goes on to the next generation: the statements that nearly every refresh is. */
import type { Terms } from '../clients/terms.ts'
import { statement, type Database, type Value } from '../database/database.ts'
import { createGroups } from '../database/groups.ts'
import { wasRolledBack } from '../database/unavailable.ts'
import type { RefreshToken } from '../tokens/refresh-token.ts'
import { hashSecret } from '../tokens/secrets.ts'
import { baselineValues, setBaseline } from './baseline.ts'
import { hashIdempotencyKey } from './idempotency.ts'
import type { Appearance, Policies, Verdict } from './policies.ts'
import { recording, recordValues, type Judged } from './policy-records.ts'
import type { PresentedRefreshToken, RefreshSettings } from './refresh.ts'
import { IS_LIVE, nextIdleEnd } from './session.ts'
import { ISSUANCE_COLUMNS, type IssuanceRow } from './token-issuance.ts'

/** `recovered`: the row was behind, since commits were lost. */
export type RotatedRow = IssuanceRow & { recovered: boolean }

export interface Rotation {
  /** Generation g ≥ n of a live row, from a device that shows what it showed before: the row becomes g + 1. */
  rotate(token: RefreshToken, presented: PresentedRefreshToken, appearance: Appearance): Promise<RotatedRow | undefined>
  /** As `rotate`, from a device that showed something else before, if nobody was faster; from then on it is compared with this. */
  rotateChanged(
    token: RefreshToken,
    presented: PresentedRefreshToken,
    row: Judged,
    verdict: Verdict,
  ): Promise<RotatedRow | undefined>
}

export function createRotation(deps: {
  database: Database
  policies: Pick<Policies, 'idleAfter'>
  terms: Pick<Terms, 'ownIdleTtls'>
  settings: Pick<RefreshSettings, 'idleTtl' | 'refreshGroups'>
}): Rotation {
  const { database, policies, terms, settings } = deps
  const lives = () => [settings.idleTtl, terms.ownIdleTtls()] as const

  async function rotateAlone({ values, seen }: Asked): Promise<RotatedRow | undefined> {
    const [row] = await database.query(rotateSession, [...values, ...lives(), seen, policies.idleAfter])
    return row
  }

  async function rotateTogether(all: readonly Asked[]): Promise<Map<string, RotatedRow>> {
    const rows = await database.query(rotateSessions, [...columnsOf(all), ...lives(), policies.idleAfter])
    return new Map(rows.map((row) => [row.id, row]))
  }

  const rotate = settings.refreshGroups
    ? createGroups<Asked, RotatedRow | undefined>({
        keyOf: ({ values: [, sessionId] }) => sessionId,
        alone: rotateAlone,
        together: rotateTogether,
        isUndone: wasRolledBack,
      })
    : rotateAlone

  return {
    rotate: (token, presented, { seen }) => rotate({ values: valuesOf(token, presented), seen }),
    async rotateChanged(token, presented, row, verdict) {
      const [rotated] = await database.query(rotateChangedSession, [
        ...valuesOf(token, presented),
        ...lives(),
        row.seen,
        ...baselineValues(verdict.baseline, verdict.isSameDevice),
        ...recordValues(row, verdict),
      ])
      return rotated
    },
  }
}

/** What the row is asked. */
interface Asked {
  readonly values: ReturnType<typeof valuesOf>
  readonly seen: Buffer
}

const valuesOf = (token: RefreshToken, presented: PresentedRefreshToken) =>
  [
    token.userId,
    token.sessionId,
    hashSecret(token.secret),
    String(token.generation),
    presented.transport,
    presented.clientId,
    hashIdempotencyKey(token.sessionId, presented.idempotencyKey),
    presented.ip,
  ] as const

/** The same of many: an array for each value. */
const columnsOf = (all: readonly Asked[]): Value[] => [
  ...([0, 1, 2, 3, 4, 5, 6, 7] as const).map((column) => all.map(({ values }) => values[column]) as Value),
  all.map(({ seen }) => seen),
]

/** Where a statement finds what `valuesOf` says. */
type Names = Record<
  'userId' | 'sessionId' | 'secretHash' | 'generation' | 'transport' | 'clientId' | 'keyHash' | 'ip',
  string
>

const ALONE: Names = {
  userId: '$1::uuid',
  sessionId: '$2::uuid',
  secretHash: '$3::bytea',
  generation: '$4::bigint',
  transport: '$5::text',
  clientId: '$6::text',
  keyHash: '$7::bytea',
  ip: '$8::inet',
}

const TOGETHER: Names = {
  userId: 'asked_user_id',
  sessionId: 'asked_id',
  secretHash: 'asked_secret_hash',
  generation: 'asked_generation',
  transport: 'asked_transport',
  clientId: 'asked_client_id',
  keyHash: 'asked_key_hash',
  ip: 'asked_ip',
}

const rotated = ({ generation, keyHash, ip }: Names, idleEnd: string): string => `
     generation = ${generation} + 1,
     recovered = generation < ${generation},
     rotated_at = clock_timestamp(),
     last_used_at = clock_timestamp(),
     idle_expires_at = ${idleEnd},
     ip_last = ${ip},
     idempotency_hashes = case
       when generation = ${generation} then ${keyHash} || substring(idempotency_hashes from 1 for 48)
       else ${keyHash} || decode(repeat('00', 48), 'hex')
     end`

const mayRotate = ({ userId, sessionId, secretHash, generation, transport, clientId }: Names): string => `
     user_id = ${userId} and id = ${sessionId}
     and generation <= ${generation}
     and secret_hash = ${secretHash}
     and transport = ${transport}
     and (${clientId} is null or client_id = ${clientId})
     and ${IS_LIVE}`

const wasNotIdle = (after: string): string =>
  `(${after}::float8 is null or last_used_at > clock_timestamp() - make_interval(secs => ${after}::float8))`

const ROTATED_ROW = `${ISSUANCE_COLUMNS}, recovered`

/** This commit need not be on standbys, where they are synchronous: the token proves itself (g > n). */
const LOCAL_COMMIT = `set_config('synchronous_commit', 'local', true)`

/**
 * Every condition stands on the updated row itself: after waiting for a concurrent refresh PostgreSQL
 * looks again at that row only (measured: with a self-join or a sub-select the loser rotates too).
 */
const rotateSession = statement<RotatedRow>(
  'refresh.rotate',
  `update sessions set ${rotated(ALONE, nextIdleEnd('$9', '$10'))}
   where ${mayRotate(ALONE)} and seen = $11::bytea and ${wasNotIdle('$12')}
   returning ${ROTATED_ROW}, ${LOCAL_COMMIT}`,
)

/**
 * The same of many sessions. A row that somebody else holds is not waited for long: then nothing is rotated, and all go
 * alone. With `for no key update skip locked` nobody would wait at all, and every rotation cost a third more.
 */
const rotateSessions = statement<RotatedRow>(
  'refresh.rotate_many',
  `with settings as materialized (
     select set_config('lock_timeout', '50ms', true), ${LOCAL_COMMIT}
   ), asked as materialized (
     select asked.* from settings, unnest(
       $1::uuid[], $2::uuid[], $3::bytea[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::inet[], $9::bytea[]
     ) as asked (${Object.values(TOGETHER).join(', ')}, asked_seen)
   )
   update sessions set ${rotated(TOGETHER, nextIdleEnd('$10', '$11'))}
   from asked
   where ${mayRotate(TOGETHER)} and seen = asked_seen and ${wasNotIdle('$12')}
   returning ${ROTATED_ROW}`,
)

/** One that shows something else, only as long as nobody else was seen since the row was read. */
const rotateChangedSession = statement<RotatedRow>(
  'refresh.rotate_changed',
  `with rotated as (
     update sessions set ${rotated(ALONE, nextIdleEnd('$9', '$10'))}, step_up = null, ${setBaseline(12)}
     where ${mayRotate(ALONE)} and seen is not distinct from $11::bytea
     returning ${ROTATED_ROW}, ${LOCAL_COMMIT}
   ), ${recording('rotated', 25)}
   select * from rotated`,
)
