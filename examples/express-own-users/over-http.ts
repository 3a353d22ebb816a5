/** Hallpass as a service beside the application, which calls it with an API key of the scope sessions:create. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createApp, type StartSession, type Tokens } from './app.ts'
import { addUser } from './users.ts'

interface Service {
  /** Where the application reaches it. */
  readonly url: string
  /** What its tokens say. */
  readonly issuer: string
  readonly keyId: string
  readonly key: string
}

export async function start(port: number, service: Service) {
  const { url, issuer } = service
  const app = createApp({ issuer, keysUrl: `${url}/.well-known/jwks.json`, startSession: startAt(service) })
  const server = app.listen(port, 'localhost')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const startAt =
  ({ url, keyId, key }: Service): StartSession =>
  async ({ subject, amr, device, claims }) => {
    const response = await fetch(`${url}/v1/admin/sessions`, {
      method: 'POST',
      headers: {
        Authorization: `Basic ${Buffer.from(`${keyId}:${key}`).toString('base64')}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ subject, amr, claims, device: { user_agent: device.userAgent, ip: device.ip } }),
    })
    if (!response.ok) throw new Error(`Hallpass answered ${response.status} ${await response.text()}`)
    return (await response.json()) as Tokens
  }

if (import.meta.main) {
  const { HALLPASS_URL = 'http://localhost:3000', HALLPASS_KEY_ID, HALLPASS_KEY, PORT = '4000' } = process.env
  if (!HALLPASS_KEY_ID || !HALLPASS_KEY) throw new Error('set HALLPASS_KEY_ID and HALLPASS_KEY: see README.md')
  await addUser('ada', 'correct horse battery staple')
  await start(Number(PORT), { url: HALLPASS_URL, issuer: HALLPASS_URL, keyId: HALLPASS_KEY_ID, key: HALLPASS_KEY })
}
