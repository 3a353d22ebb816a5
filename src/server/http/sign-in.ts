/** `POST /v1/sessions` */
import { z } from 'zod'
import type { Clients } from '../clients/clients.ts'
import { DEFAULT_CLIENT_ID } from '../clients/clients.ts'
import { Problem } from '../errors.ts'
import { ACCEPT_CH, describeDevice, deviceEvidence } from '../sessions/device.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Users } from '../users/users.ts'
import { readJson } from './body.ts'
import type { SessionCookie } from './cookie.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import type { Context, Handler } from './context.ts'
import type { DemandOwnOrigin } from './origin.ts'
import { sessionJson } from './session-json.ts'
import { tokenJson } from './token-json.ts'

const SignInBody = z.strictObject({
  email: z.string(),
  password: z.string(),
  client_id: z.string().default(DEFAULT_CLIENT_ID),
  device_name: z.string().max(100).nullable().default(null),
  transport: z.enum(['body', 'cookie']).default('body'),
  remember: z.boolean().default(true),
})

interface SignInDependencies {
  users: Users
  clients: Clients
  sessions: Sessions
  cookie: SessionCookie
  clientAddressOf: ClientAddressOf
  demandOwnOrigin: DemandOwnOrigin
  /** False on a LAN without https, where anybody could read the cookie. */
  allowsCookies: boolean
}

export const signIn = (deps: SignInDependencies): Handler => {
  const { users, clients, sessions, cookie, clientAddressOf, demandOwnOrigin, allowsCookies } = deps
  return async (ctx) => {
    ctx.set('Accept-CH', ACCEPT_CH)
    const body = await readJson(ctx, SignInBody)
    // Somebody else's page must not sign a person in as somebody else either (OWASP login CSRF).
    if (body.transport === 'cookie') demandOwnOrigin(ctx)
    if (body.transport === 'cookie' && !allowsCookies) {
      throw new Problem(
        400,
        'invalid_request',
        'Over plain http, cookies are for localhost only: use transport "body", or https.',
      )
    }
    const client = await clients.find(body.client_id)
    if (client === null) throw new Problem(400, 'invalid_client', 'This client_id is not registered.')

    const proven = await users.authenticate(body.email, body.password)
    const evidence = deviceEvidence(ctx.headers, body.device_name)
    const created =
      proven &&
      (await sessions.create({
        ...proven,
        amr: ['pwd'],
        clientId: client.id,
        scope: client.scope,
        transport: body.transport,
        remember: body.remember,
        device: describeDevice(evidence),
        userAgent: evidence.userAgent,
        ip: clientAddressOf(ctx),
        replaces: body.transport === 'cookie' ? await overwritten(ctx, deps, proven.userId) : null,
      }))
    if (created === null) {
      throw new Problem(
        401,
        'invalid_credentials',
        'The address or the password is wrong, or this account cannot sign in.',
      )
    }

    const { session, tokens } = created
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    ctx.status = 201
    ctx.body = { ...tokenJson(ctx, cookie, session.transport, tokens), session: sessionJson(session, session.id) }
  }
}

/** The live session of the same user whose cookie the answer is about to overwrite. */
async function overwritten(
  ctx: Context,
  { cookie, sessions }: SignInDependencies,
  userId: string,
): Promise<string | null> {
  const [refreshToken, ...others] = cookie.read(ctx)
  if (refreshToken === undefined || others.length > 0) return null
  const live = await sessions.findByRefreshToken(refreshToken, 'cookie')
  return live?.session.userId === userId ? live.session.id : null
}
