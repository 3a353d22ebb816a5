/** Upkeep that is due now, and what it looks after, aged. */
import { statement } from '../../src/server/database/database.ts'
import type { Upkeep } from '../../src/server/upkeep/upkeep.ts'
import type { TestServer } from './server.ts'

/** Every task has a turn, however recent the last one was. */
export async function doUpkeep(server: TestServer, upkeep: Upkeep = server.hallpass.upkeep): Promise<void> {
  await upkeep.run() // makes the tasks known
  await makeUpkeepDue(server)
  await upkeep.run()
}

export const makeUpkeepDue = ({ hallpass }: TestServer): Promise<unknown> =>
  hallpass.store.database.query(
    statement('test.make_upkeep_due', 'update upkeep set next_at = clock_timestamp() where holder is null'),
    [],
  )

/** Moves what the history says of a user back, by seconds. */
export const ageEvents = ({ hallpass }: TestServer, userId: string, seconds: number): Promise<unknown> =>
  hallpass.store.database.query(
    statement(
      'test.age_events',
      `update events set created_at = created_at - make_interval(secs => $2::float8) where user_id = $1::uuid`,
    ),
    [userId, seconds],
  )

/** Moves everything that a session's row says of times back, its end included. */
export const ageSession = ({ hallpass }: TestServer, sessionId: string, seconds: number): Promise<unknown> =>
  hallpass.store.database.query(
    statement(
      'test.age_session',
      `update sessions set created_at = created_at - shift, last_used_at = last_used_at - shift,
         idle_expires_at = idle_expires_at - shift, absolute_expires_at = absolute_expires_at - shift,
         revoked_at = revoked_at - shift
       from make_interval(secs => $2::float8) as shift where id = $1::uuid`,
    ),
    [sessionId, seconds],
  )
