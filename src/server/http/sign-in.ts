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
import type { AskHook } from '../sessions/sign-in-hook.ts'
import type { SignIn } from '../sessions/sign-in.ts'
import type { Users } from '../users/users.ts'
import { readJson } from './body.ts'
import type { ReadCookieSession } from './cookie-session.ts'
import type { SessionCookie } from './cookie.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import { demandClient } from './demand-client.ts'
import type { DemandOwnOrigin } from './origin.ts'
import { invalidEmailToken, noCookies } from './problems.ts'
import { sessionJson } from './session-json.ts'
import { tokenJson } from './token-json.ts'

const OPTIONS = {
  client_id: z.string().optional(),
  device_name: z.string().max(100).nullable().default(null),
  transport: z.enum(['body', 'cookie']).default('body'),
  remember: z.boolean().default(true),
  end_session_id: z.uuid().optional(),
}
const PasswordBody = z.strictObject({ email: z.string(), password: z.string(), ...OPTIONS })
const MagicLinkBody = z.strictObject({ magic_link_token: z.string(), ...OPTIONS })

export interface SignInDependencies {
  users: Users
  clients: Clients
  sessions: Sessions
  magicLinks: MagicLinks
  rateLimits: RateLimits
  askHook: AskHook
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
  /** Where the client asks which device is to make room. */
  readonly end_session_id?: string | undefined
}

const invalidCredentials = (): Problem =>
  new Problem(401, 'invalid_credentials', 'The address or the password is wrong, or this account cannot sign in.')

/** @returns null when they are wrong, or the account cannot sign in */
export async function signInByPassword(
  ctx: Context,
  deps: Pick<
    SignInDependencies,
    'clients' | 'users' | 'sessions' | 'rateLimits' | 'askHook' | 'readCookieSession' | 'clientAddressOf'
  >,
  email: string,
  password: string,
  options: SignInOptions,
): Promise<StartedSession | null> {
  const { users, sessions, rateLimits, askHook, clientAddressOf } = deps
  const newSession = await describeSignIn(ctx, deps, options, options.client_id ?? DEFAULT_CLIENT_ID)
  const proven = await users.inLine(async () => {
    const attempt = await rateLimits.beforeSignIn(email, clientAddressOf(ctx))
    const found = await users.authenticate(email, password)
    if (found !== null) await attempt.succeeded() // it was no guess, also where there is no room for one more device
    return found
  })
  if (proven === null) return null
  const signIn = { ...newSession, ...proven, amr: ['pwd'] }
  return sessions.start({ ...signIn, ...(await askHook(signIn, signIn.dataClaims)) })
}

/** @returns null for a link that is not good */
export async function signInByMagicLink(
  ctx: Context,
  deps: Pick<
    SignInDependencies,
    'clients' | 'sessions' | 'magicLinks' | 'rateLimits' | 'askHook' | 'readCookieSession' | 'clientAddressOf'
  >,
  token: string,
  options: SignInOptions,
): Promise<StartedSession | null> {
  const { magicLinks, rateLimits, askHook, clientAddressOf } = deps
  await rateLimits.beforeEmailToken(clientAddressOf(ctx))
  const link = await magicLinks.inspect(token)
  const clientId = options.client_id ?? link?.clientId ?? DEFAULT_CLIENT_ID
  const signIn = await describeSignIn(ctx, deps, options, clientId)
  if (link === null) return null
  const added = await askHook({ ...signIn, userId: link.userId, amr: ['otp'] }, signIn.dataClaims)
  return magicLinks.signIn(token, { ...signIn, ...added })
}

/** All of a new session that does not depend on whose it will be. */
async function describeSignIn(
  ctx: Context,
  deps: Pick<SignInDependencies, 'clients' | 'readCookieSession' | 'clientAddressOf'>,
  { device_name: deviceName, transport, remember, end_session_id: endSessionId }: SignInOptions,
  clientId: string,
): Promise<Omit<SignIn, 'userId' | 'passwordVersion' | 'amr'> & Required<Pick<SignIn, 'dataClaims'>>> {
  const client = demandClient(await deps.clients.find(clientId), transport)
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
    endSessionId: endSessionId ?? null,
    replaces: overwritten && { userId: overwritten.session.userId, sessionId: overwritten.session.id },
    dataClaims: client.dataClaims,
  }
}
