import { OAuthError } from '../errors.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Grant } from './grant.ts'

/** RFC 6749 section 6, with rotation (RFC 9700 section 4.14.2). The rules are in sessions/refresh.ts. */
export const refreshToken = ({ sessions }: { sessions: Sessions }): Grant => ({
  type: 'refresh_token',
  parameters: ['refresh_token'],
  async authorize({ presented, clientId, ip, idempotencyKey }) {
    if (presented === null) throw new OAuthError('invalid_request', 'Send refresh_token, or the session cookie.')
    const tokens = await sessions.refresh({ ...presented, clientId, ip, idempotencyKey })
    return { kind: 'session', tokens, transport: presented.transport }
  },
})
