import { hash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { copyRows } from '../fleet/copy-rows.ts'
import { emailOf, ownerOf, sessionIdOf, userIdOf, usersOf } from '../fleet/fleet.ts'
import { peerIdOf } from '../fleet/peer-ids.ts'
import { filling } from '../fleet/filling.ts'
import { DEVICE_HEADERS } from '../load/device.ts'
import { startService } from '../services/service.ts'
import { partsOf, type StartContestant } from './contestant.ts'

export const koaMikroOrm: StartContestant = async ({ databaseUrl, sessions }) => {
  const service = await startService({
    argv: [fileURLToPath(new URL('../peers/koa-mikroorm.ts', import.meta.url))],
    environment: (port) => ({ PORT: String(port), DATABASE_URL: databaseUrl }),
    healthPath: '/healthz',
  })
  await fill(service.url, databaseUrl, sessions)
  return {
    name: 'Koa + MikroORM',
    service,
    operations: { refresh: { name: 'koa-mikroorm', options: { part: partsOf(sessions).refresh } } },
  }
}

async function fill(url: string, databaseUrl: string, sessions: number): Promise<void> {
  const answer = await fetch(`${url}/model`, { method: 'POST', headers: DEVICE_HEADERS })
  if (!answer.ok) throw new Error(await answer.text())
  const model = (await answer.json()) as { userId: string; sessionId: string }
  await filling(databaseUrl, async (client) => {
    await copyRows(client, {
      table: 'users',
      model: ['id', model.userId],
      rows: usersOf(sessions),
      own: { id: userIdOf, email: emailOf },
    })
    await copyRows(client, {
      table: 'sessions',
      model: ['id', model.sessionId],
      rows: sessions,
      own: {
        id: sessionIdOf,
        user_id: (session) => userIdOf(ownerOf(session, sessions)),
        token_hash: (session) => hash('sha256', peerIdOf('token', session)),
      },
    })
  })
}
