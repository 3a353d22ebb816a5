import type { RefusalReason } from '../../protocol/errors.ts'
import { OAuthError } from '../errors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Grant } from './grant.ts'

/**
 * The keys of the refreshes before, latest first, separated by spaces: of a browser that was killed, the disk
 * may have an older cookie than key (docs/decisions/0023).
 */
const FORMER_KEYS = 'former_idempotency_keys'
/** As many rotations as a session remembers. */
const MOST_FORMER_KEYS = 4

/** RFC 6749 section 6, with rotation (RFC 9700 section 4.14.2). The rules are in sessions/refresh.ts. */
export const refreshToken = ({ sessions }: { sessions: Sessions }): Grant => ({
  type: 'refresh_token',
  parameters: ['refresh_token', FORMER_KEYS],
  async authorize({ presented, parameters, clientId, ip, headers, idempotencyKey }) {
    if (presented === null) throw noToken()
    const formerKeys = parameters.get(FORMER_KEYS)?.split(' ').slice(0, MOST_FORMER_KEYS) ?? []
    const tokens = await sessions.refresh({ ...presented, clientId, ip, headers, idempotencyKey, formerKeys })
    return { kind: 'session', tokens, transport: presented.transport }
  },
})

/** A browser cannot see its cookie: it learns here that there is nothing to refresh, and that asking again is of no use. */
const noToken = (): OAuthError =>
  new OAuthError('invalid_request', 'Send refresh_token, or the session cookie.', {
    extra: { reason: 'no_token' satisfies RefusalReason, terminal: true },
  })
