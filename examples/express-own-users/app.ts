/** An application that has users of its own and lets Hallpass keep their sessions. */
import express, { type Express, type RequestHandler } from 'express'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { checkPassword } from './users.ts'

/** Asks for a session, in process or over HTTP. */
export type StartSession = (signIn: {
  subject: string
  amr: string[]
  device: { userAgent: string; ip: string | null }
  claims: Record<string, unknown>
}) => Promise<Tokens>

export interface Tokens {
  access_token: string
  expires_in: number
  refresh_token: string
}

export function createApp(options: { startSession: StartSession; issuer: string; keysUrl: string }): Express {
  const { startSession, issuer, keysUrl } = options
  const app = express()

  app.post('/sign-in', express.json(), async (request, response) => {
    const { name, password } = Object(request.body) as { name: unknown; password: unknown }
    const user = await checkPassword(String(name), String(password))
    if (user === null) {
      response.status(401).json({ error: 'The name or the password is wrong.' })
      return
    }
    const tokens = await startSession({
      subject: user.id,
      amr: ['pwd'],
      // The device is the one that called us, not us.
      device: { userAgent: request.get('user-agent') ?? '', ip: request.ip ?? null },
      claims: { account: user.id },
    })
    response.status(201).set('Cache-Control', 'no-store').json(tokens)
  })

  app.get('/orders', requireAccount({ issuer, keysUrl }), (_request, response) => {
    response.json({ orders: [], account: response.locals['account'] as string })
  })

  return app
}

/** Checks the access token here, with keys that are fetched now and then: no call to anybody for a request. */
function requireAccount({ issuer, keysUrl }: { issuer: string; keysUrl: string }): RequestHandler {
  const keys = createRemoteJWKSet(new URL(keysUrl))
  return async (request, response, next) => {
    const [, token = ''] = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '') ?? []
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: issuer, typ: 'at+jwt' })
      response.locals['account'] = payload['account']
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      response.status(401).set('WWW-Authenticate', 'Bearer').json({ error: 'Sign in, or refresh the token.' })
      return
    }
    next()
  }
}
