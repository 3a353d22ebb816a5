/** Everything one can do with sessions. */
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Ring } from '../tokens/ring.ts'
import { createEnding, type Ending } from './ending.ts'
import { createReading, type Reading } from './reading.ts'
import { createReauthenticate, type Reauthenticate } from './reauthentication.ts'
import { createRefresh, type Refresh, type RefreshSettings } from './refresh.ts'
import { toSession, type Session } from './session.ts'
import { issueTokens, type IssuedTokens } from './token-issuance.ts'
import { insertSession, type SignIn, type SignInSettings } from './sign-in.ts'

export interface Sessions extends Reading, Ending {
  /** @returns null when the account changed or was disabled since the proof was checked */
  create(signIn: SignIn): Promise<{ session: Session; tokens: IssuedTokens } | null>
  refresh: Refresh
  reauthenticate: Reauthenticate
}

export function createSessions(deps: {
  database: Database
  ring: Ring
  accessTokens: AccessTokens
  settings: SignInSettings & RefreshSettings
  log: Logger
}): Sessions {
  const { database, accessTokens, settings } = deps
  return {
    ...createReading(deps),
    ...createEnding({ database, accessTtl: settings.accessTtl }),
    refresh: createRefresh(deps),
    reauthenticate: createReauthenticate(deps),
    async create(signIn) {
      const inserted = await insertSession(deps, signIn)
      if (inserted === null) return null
      const { row, refreshToken } = inserted
      return { session: toSession(row), tokens: await issueTokens(accessTokens, row, refreshToken) }
    },
  }
}
