/** Hallpass in the same process, on its embedded store, under /auth. */
import { once } from 'node:events'
import { createHallpass, type HallpassService } from 'hallpass/server'
import { createApp, type StartSession } from './app.ts'
import { addUser } from './users.ts'

export async function start(port: number, environment: Record<string, string | undefined> = process.env) {
  const issuer = `http://localhost:${port}/auth`
  const hallpass = await createHallpass({ environment: { ...environment, HALLPASS_ISSUER: issuer } })

  const app = createApp({ issuer, keysUrl: `${issuer}/.well-known/jwks.json`, startSession: startWith(hallpass) })
  app.use('/auth', hallpass.callback())
  // Metadata of an issuer with a path are beside it, not below (RFC 8414 section 3.1).
  app.get('/.well-known/oauth-authorization-server/auth', hallpass.callback())

  const server = app.listen(port, 'localhost')
  await once(server, 'listening')
  return {
    hallpass,
    async close() {
      server.close()
      server.closeAllConnections()
      await hallpass.close()
    },
  }
}

const startWith =
  ({ sessions }: HallpassService): StartSession =>
  async (signIn) => {
    const { accessToken, expiresIn, refreshToken } = await sessions.create(signIn)
    return { access_token: accessToken, expires_in: expiresIn, refresh_token: refreshToken }
  }

if (import.meta.main) {
  await addUser('ada', 'correct horse battery staple')
  await start(Number(process.env['PORT'] ?? 4000))
}
