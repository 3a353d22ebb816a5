/** Every grant. A new one is one file and one line here; the metadata follows. */
import type { ApiKeys } from '../api-keys/api-keys.ts'
import type { ExchangeImportedToken } from '../imports/exchange.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'
import { refreshToken } from './refresh-token.ts'
import { tokenExchange } from './token-exchange.ts'

export const createGrants = (deps: {
  sessions: Sessions
  apiKeys: ApiKeys
  accessTokens: AccessTokens
  exchangeImportedToken: ExchangeImportedToken
}): readonly Grant[] => [refreshToken(deps), clientCredentials(deps), tokenExchange(deps)]
