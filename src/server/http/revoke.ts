/** `POST /oauth/revoke` (RFC 7009). Whoever holds a token of a session may end it. */
import type { ApiKeys } from '../api-keys/api-keys.ts'
import type { Clients } from '../clients/clients.ts'
import { OAuthError } from '../errors.ts'
import { bySession } from '../sessions/actor.ts'
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { readForm } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { SessionCookie } from './cookie.ts'
import type { Handler } from './context.ts'
import type { PresentedToken, ReadPresentedToken } from './presented-token.ts'

export const revoke = (deps: {
  clients: Clients
  sessions: Sessions
  apiKeys: Pick<ApiKeys, 'endTokens' | 'findLive'>
  accessTokens: AccessTokens
  cookie: SessionCookie
  clientAddressOf: ClientAddressOf
  readPresentedToken: ReadPresentedToken
}): Handler => {
  const { clients, sessions, apiKeys, accessTokens, cookie, clientAddressOf, readPresentedToken } = deps

  /** An access token stands for its session: the feed carries the news to whoever checks it. */
  async function sessionOf({ refreshToken: token, transport }: PresentedToken): Promise<Session | null> {
    const claims = transport === 'body' ? await accessTokens.verify(token) : null
    if (claims === null) return sessions.findNamedBy(token)
    if (claims.amr.includes('key')) {
      // The key itself stays; its holder revokes that where keys are managed.
      const live = await apiKeys.findLive(claims.sid, claims.iat)
      if (live !== null) await apiKeys.endTokens(claims.sid, 'signed_out')
      return null
    }
    const live = await sessions.findLive(claims.sub, claims.sid)
    return live?.session ?? null
  }

  return async (ctx) => {
    const form = await readForm(ctx)
    const presented = readPresentedToken(ctx, form.get('token'))
    if (presented === 'ambiguous') throw new OAuthError('invalid_request', 'Send one token, or the cookie alone.')
    if (presented === 'none') throw new OAuthError('invalid_request', 'Send token, or the session cookie.')

    const clientId = form.get('client_id')
    if (clientId !== undefined && (await clients.find(clientId)) === null) {
      throw new OAuthError('invalid_client', 'This client_id is not registered.')
    }
    const session = await sessionOf(presented)
    if (session !== null && clientId !== undefined && session.clientId !== clientId) {
      throw new OAuthError('invalid_client', 'This token was issued to another client.') // section 2.1
    }
    if (session !== null) {
      await sessions.revoke(session.userId, session.id, 'signed_out', bySession(session, clientAddressOf(ctx)))
      ctx.state.sessionId = session.id
      ctx.state.userId = session.userId
      if (presented.transport === 'cookie') cookie.clear(ctx)
    }
    // Section 2.2: also for a token that is unknown, expired or revoked, since its end is what was asked for.
    ctx.status = 200
    ctx.body = ''
  }
}
