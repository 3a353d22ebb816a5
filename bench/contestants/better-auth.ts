import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { copyRows } from '../fleet/copy-rows.ts'
import { emailOf, ownerOf, PASSWORD, usersOf } from '../fleet/fleet.ts'
import { peerIdOf } from '../fleet/peer-ids.ts'
import { filling } from '../fleet/filling.ts'
import { DEVICE_HEADERS } from '../load/device.ts'
import type { BetterAuthOptions } from '../load/scenarios/better-auth.ts'
import type { ScenarioSpec } from '../load/scenarios/index.ts'
import { startService } from '../services/service.ts'
import { partsOf, type StartContestant } from './contestant.ts'

export const betterAuth: StartContestant = async ({ databaseUrl, sessions }) => {
  const secret = randomBytes(32).toString('hex')
  const service = await startService({
    argv: [fileURLToPath(new URL('../peers/better-auth.js', import.meta.url))],
    environment: (port) => ({
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      BETTER_AUTH_SECRET: secret,
      BETTER_AUTH_URL: `http://127.0.0.1:${port}`,
    }),
    healthPath: '/api/auth/ok',
  })
  await fill(service.url, databaseUrl, sessions)

  const parts = partsOf(sessions)
  const operation = (name: BetterAuthOptions['operation'], part = parts.refresh): ScenarioSpec => ({
    name: 'better-auth',
    options: { operation: name, sessions, part, secret, origin: service.url },
  })
  return {
    name: 'better-auth',
    service,
    operations: {
      refresh: operation('token'),
      list: operation('list-sessions', parts.list),
      revoke: operation('revoke-session', parts.revoke),
      introspect: operation('get-session', parts.introspect),
      'sign-in': operation('sign-in'),
    },
  }
}

async function fill(url: string, databaseUrl: string, sessions: number): Promise<void> {
  // Signs up, and thereby in.
  const answer = await fetch(`${url}/api/auth/sign-up/email`, {
    method: 'POST',
    headers: { ...DEVICE_HEADERS, 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email: 'model@example.com', name: 'Model', password: PASSWORD }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  const model = (await answer.json()) as { token: string; user: { id: string } }
  const userId = (user: number): string => peerIdOf('user', user)

  await filling(databaseUrl, async (client) => {
    await copyRows(client, {
      table: 'user',
      model: ['id', model.user.id],
      rows: usersOf(sessions),
      own: { id: userId, email: emailOf },
    })
    await copyRows(client, {
      table: 'account',
      model: ['userId', model.user.id],
      rows: usersOf(sessions),
      own: { id: (user) => peerIdOf('account', user), accountId: userId, userId },
    })
    await copyRows(client, {
      table: 'session',
      model: ['token', model.token],
      rows: sessions,
      own: {
        id: (session) => peerIdOf('session', session),
        token: (session) => peerIdOf('token', session),
        userId: (session) => userId(ownerOf(session, sessions)),
      },
    })
  })
}
