/** Every grant. A new one is one file and one line here; the metadata follows. */
import type { Sessions } from '../sessions/sessions.ts'
import type { Grant } from './grant.ts'
import { refreshToken } from './refresh-token.ts'

export const createGrants = (deps: { sessions: Sessions }): readonly Grant[] => [refreshToken(deps)]
