/** `POST /v1/sessions/current/reauthentication` */
import { z } from 'zod'
import type { MagicLinks } from '../emails/magic-links.ts'
import { Problem } from '../errors.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Users } from '../users/users.ts'
import { readJson } from './body.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import { bearerToken, callerBy, invalidAccessToken } from './middleware/require-session.ts'
import { isOwnPassword } from './own-password.ts'
import type { ReadPresentedToken } from './presented-token.ts'
import { invalidEmailToken } from './problems.ts'

const PasswordBody = z.strictObject({ password: z.string(), refresh_token: z.string().optional() })
const MagicLinkBody = z.strictObject({ magic_link_token: z.string(), refresh_token: z.string().optional() })

export const reauthentication = (deps: {
  users: Users
  sessions: Sessions
  accessTokens: AccessTokens
  magicLinks: MagicLinks
  rateLimits: RateLimits
  clientAddressOf: ClientAddressOf
  readPresentedToken: ReadPresentedToken
}): Handler => {
  const { sessions, magicLinks, rateLimits, clientAddressOf, readPresentedToken } = deps

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

  async function confirmByPassword(session: Session, password: string): Promise<void> {
    if (await isOwnPassword(deps, session.userId, password)) return
    throw new Problem(401, 'invalid_credentials', 'The password is wrong.')
  }

  async function confirmByMagicLink(session: Session, token: string, ip: string | null): Promise<void> {
    await rateLimits.beforeEmailToken(ip)
    if (!(await magicLinks.confirms(token, session, ip))) throw invalidEmailToken()
  }

  return async (ctx) => {
    const body = await readJson(ctx, (members) => (members.includes('magic_link_token') ? MagicLinkBody : PasswordBody))
    const session = await sessionOf(ctx, body.refresh_token)
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    const ip = clientAddressOf(ctx)
    const isByLink = 'magic_link_token' in body
    if (isByLink) await confirmByMagicLink(session, body.magic_link_token, ip)
    else await confirmByPassword(session, body.password)
    const issued = await sessions.reauthenticate(session.userId, session.id, isByLink ? 'otp' : 'pwd', ip, ctx.headers)
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
