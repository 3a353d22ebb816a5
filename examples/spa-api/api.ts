/** The API of the single-page app. It checks access tokens by itself, and hears at once who was signed out. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import cors from '@koa/cors'
import { createVerifier } from 'hallpass/verifier'
import { requireToken } from 'hallpass/verifier/koa'
import Koa from 'koa'

export interface ApiOptions {
  /** HALLPASS_ISSUER of the service, character by character. */
  readonly issuer: string
  /** A key of the scope revocations:read. */
  readonly apiKey: { readonly id: string; readonly key: string }
  /** Whose scripts may call. */
  readonly origin: string
  readonly port: number
}

export async function start({ issuer, apiKey, origin, port }: ApiOptions) {
  const verifier = createVerifier({ issuer, audience: issuer, apiKey, onFailure: console.warn })
  await verifier.ready().catch(console.warn) // it goes on trying by itself

  const app = new Koa()
  // First of all: a preflight carries no token. The client reads the challenge of a 401.
  app.use(cors({ origin, exposeHeaders: ['WWW-Authenticate'] }))
  app.use(requireToken(verifier))
  app.use((ctx) => {
    const { sub, sid } = ctx.state.accessToken
    ctx.body = { message: `Hello, user ${sub.slice(-6)} on device ${sid.slice(-6)}!` }
  })

  const server = app.listen(port, 'localhost')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      verifier.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

if (import.meta.main) {
  const { HALLPASS_ISSUER = 'http://localhost:3000', HALLPASS_KEY_ID, HALLPASS_KEY } = process.env
  const { APP_ORIGIN = 'http://localhost:5173', PORT = '8080' } = process.env
  if (!HALLPASS_KEY_ID || !HALLPASS_KEY) throw new Error('set HALLPASS_KEY_ID and HALLPASS_KEY: see README.md')
  const apiKey = { id: HALLPASS_KEY_ID, key: HALLPASS_KEY }
  await start({ issuer: HALLPASS_ISSUER, apiKey, origin: APP_ORIGIN, port: Number(PORT) })
}
