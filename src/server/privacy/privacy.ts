/** What a person may ask of whoever keeps data about them: to see all of it, and to have it forgotten. */
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import type { History } from '../events/history.ts'
import type { Actor } from '../sessions/actor.ts'
import { eraseUser, type Erased, type ErasureDependencies } from './erasure.ts'
import { readOwnData, type OwnData } from './own-data.ts'

export interface Privacy {
  /** @returns null where nothing is known of such a user */
  export(userId: string): Promise<OwnData | null>
  /**
   * For good, also where the account was deleted before. Entries of the feed stay until they are past; they hold
   * ids and nothing else.
   */
  erase(userId: string, actor: Actor): Promise<Erased>
}

export function createPrivacy(
  deps: ErasureDependencies & { database: Database; history: Pick<History, 'ofUser'>; log: Logger },
): Privacy {
  return {
    export: (userId) => readOwnData(deps, userId),
    async erase(userId, actor) {
      const erased = await eraseUser(deps, userId, actor)
      deps.log.info({ event: 'user_erased', user_id: userId, ...erased }, 'everything about a user was removed')
      return erased
    },
  }
}
