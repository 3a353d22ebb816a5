/** `POST /v1/admin/sessions`: a session for somebody whom another application has signed in. */
import { z } from 'zod'
import { Problem } from '../errors.ts'
import { InvalidSignIn, type StartForSubject } from '../sessions/for-subject.ts'
import { readJson } from './body.ts'
import type { SessionCookie } from './cookie.ts'
import type { Handler } from './context.ts'
import { sessionJson } from './session-json.ts'
import { asSessionProblem, noCookies } from './problems.ts'
import { tokenJson } from './token-json.ts'

const JsonObject = z.record(z.string(), z.unknown())

const AdminSessionBody = z.strictObject({
  subject: z.string().min(1).max(255),
  amr: z.array(z.string().min(1).max(32)).min(1).max(8),
  auth_time: z.iso.datetime({ offset: true }).optional(),
  client_id: z.string().optional(),
  transport: z.enum(['body', 'cookie']).default('body'),
  end_session_id: z.uuid().optional(),
  device: z
    .strictObject({
      name: z.string().max(100).nullable().default(null),
      user_agent: z.string().default(''),
      app: z.string().default(''),
      ip: z.string().max(100).nullable().default(null),
    })
    .optional(),
  claims: JsonObject.default({}),
  data: JsonObject.default({}),
})

export const createAdminSession = (deps: {
  startForSubject: StartForSubject
  cookie: SessionCookie
  allowsCookies: boolean
}): Handler => {
  const { startForSubject, cookie, allowsCookies } = deps
  return async (ctx) => {
    const body = await readJson(ctx, AdminSessionBody)
    if (body.transport === 'cookie' && !allowsCookies) throw noCookies()
    const { subject, amr, transport, device, claims, data } = body
    const { session, tokens } = await startForSubject({
      subject,
      amr,
      authTime: body.auth_time === undefined ? null : new Date(body.auth_time),
      ...(body.client_id === undefined ? {} : { clientId: body.client_id }),
      transport,
      ...(body.end_session_id === undefined ? {} : { endSessionId: body.end_session_id }),
      ...(device
        ? { device: { name: device.name, userAgent: device.user_agent, app: device.app, ip: device.ip } }
        : {}),
      claims,
      data,
    }).catch(asProblem)
    ctx.state.userId = session.userId
    ctx.status = 201
    ctx.body = { ...tokenJson(ctx, cookie, session.transport, tokens), session: sessionJson(session, session.id) }
  }
}

function asProblem(error: unknown): never {
  if (error instanceof InvalidSignIn && error.code === 'invalid_client') {
    throw new Problem(400, 'invalid_client', 'This client_id is not registered.')
  }
  return asSessionProblem(error)
}
