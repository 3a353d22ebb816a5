/** `POST /v1/sessions/current/reauthentication` */
import { z } from 'zod'
import { Problem } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Users } from '../users/users.ts'
import { readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import { bearerToken, callerBy, invalidAccessToken } from './middleware/require-session.ts'
import type { ReadPresentedToken } from './presented-token.ts'

const ReauthenticationBody = z.strictObject({ password: z.string(), refresh_token: z.string().optional() })

export const reauthentication = (deps: {
  users: Users
  sessions: Sessions
  accessTokens: AccessTokens
  clientAddressOf: ClientAddressOf
  readPresentedToken: ReadPresentedToken
}): Handler => {
  const { users, sessions, clientAddressOf, readPresentedToken } = deps

  /** By a Bearer token, or by the refresh token, which is not rotated. */
  async function sessionOf(ctx: Context, refreshToken: string | undefined): Promise<Session> {
    if (ctx.get('authorization') !== '') {
      if (refreshToken !== undefined) throw twoCredentials()
      const { session } = await callerBy(deps, bearerToken(ctx))
      return session
    }
    const presented = readPresentedToken(ctx, refreshToken)
    if (presented === 'ambiguous') throw twoCredentials()
    if (presented === 'none') throw missingCredential()
    const live = await sessions.findByRefreshToken(presented.refreshToken, presented.transport)
    if (live === null) throw invalidAccessToken()
    return live.session
  }

  return async (ctx) => {
    const body = await readJson(ctx, ReauthenticationBody)
    const session = await sessionOf(ctx, body.refresh_token)
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    if (!(await users.isPasswordOf(session.userId, body.password))) {
      throw new Problem(401, 'invalid_credentials', 'The password is wrong.')
    }
    const issued = await sessions.reauthenticate(session.userId, session.id, clientAddressOf(ctx))
    if (issued === null) throw invalidAccessToken()
    ctx.body = { access_token: issued.accessToken, token_type: 'Bearer', expires_in: issued.expiresIn }
  }
}

const missingCredential = (): Problem =>
  new Problem(401, 'invalid_access_token', 'Send an access token, or the refresh token of the session.', {
    headers: { 'WWW-Authenticate': 'Bearer' },
  })

const twoCredentials = (): Problem =>
  new Problem(400, 'invalid_request', 'Send one credential: an access token or one refresh token.')
