/**
 * What else is done to sessions, on random ones of all: through the service's own code in this process, without HTTP
 * and without passwords, sixteen at a time.
 */
import type pg from 'pg'
import { describeDevice, deviceEvidence } from '../../src/server/sessions/device.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { seenOf } from '../../src/server/sessions/seen.ts'
import type { TestServer } from '../../test/support/server.ts'
import { plainSignIn } from '../../test/support/sessions.ts'
import { ownerOf, sessionIdOf, userIdOf, usersOf } from '../fleet/fleet.ts'
import { DEVICE_HEADERS } from '../load/device.ts'
import { anyOf, createOnce } from '../load/part.ts'

/** A second. */
export interface OperationRates {
  readonly list: number
  readonly 'sign-in': number
  readonly revoke: number
  /** Rows that pruning looked at, one in a hundred of which it removed. */
  readonly prune: number
}

const AT_ONCE = 16

export async function measureOperations({
  aside,
  pool,
  sessions,
  seconds,
}: {
  aside: TestServer
  pool: pg.Pool
  sessions: number
  seconds: number
}): Promise<OperationRates> {
  const { hallpass } = aside
  const users = { from: 0, to: usersOf(sessions) }
  const anyUser = (): string => userIdOf(anyOf(users))
  const once = createOnce({ from: 0, to: sessions })

  // Of the kind that they have, from where they are: no mail tells them of a new one.
  const ip = '127.0.0.1'
  const device = describeDevice(deviceEvidence(DEVICE_HEADERS, null))
  const arrival = { device, userAgent: DEVICE_HEADERS['user-agent'], ip, seen: seenOf(DEVICE_HEADERS, ip) }

  return {
    list: await rateOf(seconds, () => hallpass.sessions.list(anyUser(), 'active')),
    'sign-in': await rateOf(seconds, () => hallpass.sessions.start({ ...plainSignIn(anyUser()), ...arrival })),
    revoke: await rateOf(Math.min(seconds, sessions / 10_000), () => {
      const session = once()
      const owner = userIdOf(ownerOf(session, sessions))
      return hallpass.sessions.revoke(owner, sessionIdOf(session), 'revoked_by_admin', OPERATOR)
    }),
    prune: await rateOfPruning({ aside, pool, seconds }),
  }
}

async function rateOf(seconds: number, run: () => Promise<unknown>): Promise<number> {
  let count = 0
  const begin = performance.now()
  const work = async (): Promise<void> => {
    while (performance.now() < begin + seconds * 1000) {
      await run()
      count += 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return (count / (performance.now() - begin)) * 1000
}

/** It rests for as long as it works: half of the time belongs to others. */
async function rateOfPruning({ aside, pool, seconds }: { aside: TestServer; pool: pg.Pool; seconds: number }) {
  const long = `interval '70 days'`
  await pool.query(
    `update sessions set last_used_at = last_used_at - ${long}, idle_expires_at = now() - ${long}
     where hashtext(id::text) % 100 = 0`,
  )
  await pool.query('vacuum (analyze) sessions')
  const begin = performance.now()
  const { place } = await aside.hallpass.pruning.takeTurn({ place: null, signal: AbortSignal.timeout(seconds * 1000) })
  const took = (performance.now() - begin) / 1000
  const [userId, id] = place?.split(' ') ?? []
  const { rows } = await pool.query<{ count: string }>(
    'select count(*) from sessions where $1::uuid is null or (user_id, id) <= ($1::uuid, $2::uuid)',
    [userId, id],
  )
  return Number(rows[0]?.count) / took
}
