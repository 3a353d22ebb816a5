/** `POST /v1/sessions` */
import { z } from 'zod'
import type { Clients } from '../clients/clients.ts'
import { DEFAULT_CLIENT_ID } from '../clients/clients.ts'
import type { MagicLinks } from '../emails/magic-links.ts'
import { Problem } from '../errors.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import { ACCEPT_CH, describeDevice, deviceEvidence } from '../sessions/device.ts'
import type { Transport } from '../sessions/session.ts'
import type { Sessions, StartedSession } from '../sessions/sessions.ts'
import { seenOf } from '../sessions/seen.ts'
import type { SignIn } from '../sessions/sign-in.ts'
import type { Users } from '../users/users.ts'
import { readJson } from './body.ts'
import type { ReadCookieSession } from './cookie-session.ts'
import type { SessionCookie } from './cookie.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import type { DemandOwnOrigin } from './origin.ts'
import { invalidEmailToken, noCookies } from './problems.ts'
import { sessionJson } from './session-json.ts'
import { tokenJson } from './token-json.ts'

const OPTIONS = {
  client_id: z.string().optional(),
  device_name: z.string().max(100).nullable().default(null),
  transport: z.enum(['body', 'cookie']).default('body'),
  remember: z.boolean().default(true),
}
const PasswordBody = z.strictObject({ email: z.string(), password: z.string(), ...OPTIONS })
const MagicLinkBody = z.strictObject({ magic_link_token: z.string(), ...OPTIONS })

export interface SignInDependencies {
  users: Users
  clients: Clients
  sessions: Sessions
  magicLinks: MagicLinks
  rateLimits: RateLimits
  cookie: SessionCookie
  readCookieSession: ReadCookieSession
  clientAddressOf: ClientAddressOf
  demandOwnOrigin: DemandOwnOrigin
  /** False on a LAN without https, where anybody could read the cookie. */
  allowsCookies: boolean
}

export const signIn = (deps: SignInDependencies): Handler => {
  const { cookie, demandOwnOrigin, allowsCookies } = deps
  return async (ctx) => {
    ctx.set('Accept-CH', ACCEPT_CH)
    const body = await readJson(ctx, (members) => (members.includes('magic_link_token') ? MagicLinkBody : PasswordBody))
    // Somebody else's page must not sign a person in as somebody else either (OWASP login CSRF).
    if (body.transport === 'cookie') demandOwnOrigin(ctx)
    if (body.transport === 'cookie' && !allowsCookies) throw noCookies()

    const started =
      'magic_link_token' in body
        ? await signInByMagicLink(ctx, deps, body.magic_link_token, body)
        : await signInByPassword(ctx, deps, body.email, body.password, body)
    if (started === null) throw 'magic_link_token' in body ? invalidEmailToken() : invalidCredentials()
    const { session, tokens } = started
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    ctx.status = 201
    ctx.body = { ...tokenJson(ctx, cookie, session.transport, tokens), session: sessionJson(session, session.id) }
  }
}

export interface SignInOptions {
  readonly client_id?: string | undefined
  readonly device_name: string | null
  readonly transport: Transport
  readonly remember: boolean
}

const invalidCredentials = (): Problem =>
  new Problem(401, 'invalid_credentials', 'The address or the password is wrong, or this account cannot sign in.')

/** @returns null when they are wrong, or the account cannot sign in */
export async function signInByPassword(
  ctx: Context,
  deps: Pick<
    SignInDependencies,
    'clients' | 'users' | 'sessions' | 'rateLimits' | 'readCookieSession' | 'clientAddressOf'
  >,
  email: string,
  password: string,
  options: SignInOptions,
): Promise<StartedSession | null> {
  const { users, sessions, rateLimits, clientAddressOf } = deps
  const newSession = await describeSignIn(ctx, deps, options, options.client_id ?? DEFAULT_CLIENT_ID)
  const attempt = await rateLimits.beforeSignIn(email, clientAddressOf(ctx))
  const proven = await users.authenticate(email, password)
  const started = proven && (await sessions.start({ ...newSession, ...proven, amr: ['pwd'] }))
  if (started !== null) await attempt.succeeded()
  return started
}

/** @returns null for a link that is not good */
export async function signInByMagicLink(
  ctx: Context,
  deps: Pick<
    SignInDependencies,
    'clients' | 'sessions' | 'magicLinks' | 'rateLimits' | 'readCookieSession' | 'clientAddressOf'
  >,
  token: string,
  options: SignInOptions,
): Promise<StartedSession | null> {
  const { magicLinks, rateLimits, clientAddressOf } = deps
  await rateLimits.beforeEmailToken(clientAddressOf(ctx))
  const clientId = options.client_id ?? (await magicLinks.clientOf(token)) ?? DEFAULT_CLIENT_ID
  return magicLinks.signIn(token, await describeSignIn(ctx, deps, options, clientId))
}

/** All of a new session that does not depend on whose it will be. */
async function describeSignIn(
  ctx: Context,
  deps: Pick<SignInDependencies, 'clients' | 'readCookieSession' | 'clientAddressOf'>,
  { device_name: deviceName, transport, remember }: SignInOptions,
  clientId: string,
): Promise<Omit<SignIn, 'userId' | 'passwordVersion' | 'amr'>> {
  const client = await deps.clients.find(clientId)
  if (client === null) throw new Problem(400, 'invalid_client', 'This client_id is not registered.')
  const evidence = deviceEvidence(ctx.headers, deviceName)
  const ip = deps.clientAddressOf(ctx)
  // Its cookie is about to be.
  const overwritten = transport === 'cookie' ? await deps.readCookieSession(ctx) : null
  return {
    clientId: client.id,
    scope: client.scope,
    transport,
    remember,
    device: describeDevice(evidence),
    userAgent: evidence.userAgent,
    ip,
    seen: seenOf(ctx.headers, ip),
    replaces: overwritten && { userId: overwritten.session.userId, sessionId: overwritten.session.id },
  }
}
