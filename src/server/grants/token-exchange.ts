import { OAuthError } from '../errors.ts'
import type { ExchangeImportedToken } from '../imports/exchange.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Grant } from './grant.ts'

/** Ours: no registry has a name for tokens that somebody else made for sessions. */
const IMPORTED_SESSION = 'urn:hallpass:params:oauth:token-type:imported-session'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** RFC 8693: the token of a session that an import brought, for tokens of ours. */
export const tokenExchange = (deps: {
  sessions: Pick<Sessions, 'findNamedBy'>
  exchangeImportedToken: ExchangeImportedToken
}): Grant => ({
  type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  // With the refresh token, or the cookie, of a session that the device may have already.
  parameters: ['subject_token', 'subject_token_type', 'refresh_token'],
  async authorize({ parameters, presented, clientId, ip }) {
    const { sessions, exchangeImportedToken } = deps
    const token = parameters.get('subject_token')
    if (token === undefined || parameters.get('subject_token_type') !== IMPORTED_SESSION) {
      throw new OAuthError('invalid_request', `Send subject_token, with subject_token_type=${IMPORTED_SESSION}.`)
    }
    // Presented once more by an honest device, the old token would pass for a stolen one.
    const held = presented && (await sessions.findNamedBy(presented.refreshToken))
    if (held?.status === 'active') {
      throw new OAuthError('invalid_request', 'This device has a session here already: refresh that one.', {
        extra: { terminal: false },
      })
    }
    const { tokens, transport } = await exchangeImportedToken({ token, clientId, ip })
    return { kind: 'session', tokens, transport, issuedTokenType: ACCESS_TOKEN }
  },
})
