/** Everything one can do with sessions. */
import type { Logger } from 'pino'
import type { Terms } from '../clients/terms.ts'
import type { Counters } from '../counters/counters.ts'
import type { Database, Queryable } from '../database/database.ts'
import type { Locate } from '../location/location.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Ring } from '../tokens/ring.ts'
import { createControl, type Control } from './control.ts'
import { createEnding, type Ending } from './ending.ts'
import type { Policies } from './policies.ts'
import { createReading, type Reading } from './reading.ts'
import { createReauthenticate, type Reauthenticate } from './reauthentication.ts'
import { createRefresh, type Refresh, type RefreshSettings } from './refresh.ts'
import { createSearch, type Search } from './search.ts'
import { toSession, type Session } from './session.ts'
import { issueTokens, type IssuedTokens } from './token-issuance.ts'
import { insertSession, type SignIn, type SignInSettings } from './sign-in.ts'

export interface Sessions extends Reading, Ending, Control, Search {
  /**
   * @returns null when the account changed or was disabled since the proof was checked
   * @throws {SessionLimitReached}
   */
  start(signIn: SignIn): Promise<StartedSession | null>
  /** The same in a transaction of which the proof is a part, and which has to fail with it; tokens are for after its commit. */
  startIn(tx: Queryable, signIn: SignIn): Promise<UnissuedSession | null>
  refresh: Refresh
  reauthenticate: Reauthenticate
}

export interface StartedSession {
  readonly session: Session
  readonly tokens: IssuedTokens
}

export interface UnissuedSession {
  readonly session: Session
  issue(): Promise<IssuedTokens>
}

export function createSessions(deps: {
  database: Database
  ring: Ring
  accessTokens: AccessTokens
  rateLimits: Pick<RateLimits, 'beforeRefresh'>
  counters: Pick<Counters, 'count'>
  terms: Terms
  policies: Policies
  locate: Locate
  settings: SignInSettings & RefreshSettings
  log: Logger
}): Sessions {
  const { database, accessTokens, counters, settings } = deps

  async function startIn(tx: Queryable, signIn: SignIn): Promise<UnissuedSession | null> {
    const inserted = await insertSession(tx, deps, signIn)
    if (inserted === null) return null
    const { row, refreshToken } = inserted
    const issue = (): Promise<IssuedTokens> => {
      counters.count('sign_in') // here it is committed
      return issueTokens(accessTokens, row, refreshToken)
    }
    return { session: toSession(row), issue }
  }

  return {
    ...createReading(deps),
    ...createEnding({ database, accessTtl: settings.accessTtl }),
    ...createControl({ database, settings }),
    ...createSearch({ database, accessTtl: settings.accessTtl }),
    refresh: createRefresh(deps),
    reauthenticate: createReauthenticate(deps),
    startIn,
    async start(signIn) {
      const started = await database.transaction((tx) => startIn(tx, signIn))
      return started && { session: started.session, tokens: await started.issue() }
    },
  }
}
