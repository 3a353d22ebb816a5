/** The sessions of one client, whoever's they are: for operators, who can wait while all rows are read. */
import type { RevocationReason } from '../../protocol/errors.ts'
import { statement, type Database } from '../database/database.ts'
import { endingSessions, FEED_MARGIN } from '../revocations/ending-sessions.ts'
import { lockAccount } from '../users/account.ts'
import type { Actor } from './actor.ts'
import { IS_LIVE } from './session.ts'

export interface OfClient {
  /** Whether anybody is signed in to it. */
  isInUse(clientId: string): Promise<boolean>
  /** Ends every live session of it. @returns how many */
  revokeClient(clientId: string, reason: RevocationReason, actor: Actor): Promise<number>
}

/** @param accessTtl life of an access token, seconds: how long the feed has to remember an ended session */
export function createOfClient({ database, accessTtl }: { database: Database; accessTtl: number }): OfClient {
  const revoke = (userId: string, clientId: string, reason: RevocationReason, actor: Actor): Promise<number> =>
    database.transaction(async (tx) => {
      // A sign-in in flight holds this lock until its session is there to be ended.
      await lockAccount(tx, userId)
      const by = [userId, reason, accessTtl + FEED_MARGIN, actor.kind, actor.sessionId, actor.ip, null] as const
      return (await tx.query(endOfClient, [...by, clientId])).length
    })

  /** Along the primary key, since no index knows clients: no statement takes long, however many rows there are. */
  async function* usersOf(clientId: string): AsyncGenerator<string> {
    let last: { user_id: string; id: string } | null = { user_id: FIRST, id: FIRST }
    while (last !== null) {
      const [page]: Page[] = await database.query(nextPage, [last.user_id, last.id, clientId])
      yield* page?.users ?? []
      last = page?.last_user_id && page.last_id ? { user_id: page.last_user_id, id: page.last_id } : null
    }
  }

  return {
    async isInUse(clientId) {
      const { done } = await usersOf(clientId).next()
      return done !== true
    },
    async revokeClient(clientId, reason, actor) {
      let count = 0
      for await (const userId of usersOf(clientId)) count += await revoke(userId, clientId, reason, actor)
      return count
    },
  }
}

/** Sorts before every id. */
const FIRST = '00000000-0000-0000-0000-000000000000'

interface Page {
  users: string[] | null
  last_user_id: string | null
  last_id: string | null
}

const nextPage = statement<Page>(
  'sessions.next_of_client',
  `select
     array_agg(distinct user_id::text) filter (where client_id = $3::text and ${IS_LIVE}) as users,
     (array_agg(user_id order by user_id desc, id desc))[1] as last_user_id,
     (array_agg(id order by user_id desc, id desc))[1] as last_id
   from (
     select user_id, id, client_id, revoked_at, idle_expires_at, absolute_expires_at from sessions
     where (user_id, id) > ($1::uuid, $2::uuid) order by user_id, id limit 5000
   ) as page`,
)

const endOfClient = endingSessions('sessions.end_of_client', `client_id = $8::text and ${IS_LIVE}`)
