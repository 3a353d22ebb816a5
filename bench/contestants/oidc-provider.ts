import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { copyRows, inCopyText, readModel } from '../fleet/copy-rows.ts'
import { ownerOf } from '../fleet/fleet.ts'
import { peerIdOf } from '../fleet/peer-ids.ts'
import { filling } from '../fleet/filling.ts'
import type { ScenarioSpec } from '../load/scenarios/index.ts'
import type { OidcProviderOptions } from '../load/scenarios/oidc-provider.ts'
import { startService } from '../services/service.ts'
import { partsOf, type StartContestant } from './contestant.ts'

export const oidcProvider: StartContestant = async ({ databaseUrl, sessions }) => {
  const api = { id: 'api', secret: randomBytes(32).toString('hex') }
  const service = await startService({
    argv: [fileURLToPath(new URL('../peers/oidc-provider.js', import.meta.url))],
    environment: (port) => ({
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      ISSUER: `http://127.0.0.1:${port}`,
      API_SECRET: api.secret,
    }),
    healthPath: '/healthz',
  })
  await fill(service.url, databaseUrl, sessions)

  const parts = partsOf(sessions)
  const operation = (name: OidcProviderOptions['operation'], part = parts.refresh): ScenarioSpec => ({
    name: 'oidc-provider',
    options: { operation: name, part, api },
  })
  return {
    name: 'oidc-provider',
    service,
    operations: {
      refresh: operation('refresh'),
      revoke: operation('revoke', parts.revoke),
      introspect: operation('introspect', parts.introspect),
    },
  }
}

interface Model {
  readonly accountId: string
  readonly grantId: string
  readonly token: string
}

/** Each device that signed in has left a refresh token and the grant that it stands on. */
async function fill(url: string, databaseUrl: string, sessions: number): Promise<void> {
  const answer = await fetch(`${url}/model`, { method: 'POST' })
  if (!answer.ok) throw new Error(await answer.text())
  const model = (await answer.json()) as Model
  const grantIdOf = (session: number): string => peerIdOf('grant', session)
  const tokenOf = (session: number): string => peerIdOf('token', session)

  await filling(databaseUrl, async (client) => {
    /** What it holds is text, in which the model's ids stand. */
    const payloadsLike = async (id: string) => {
      const { payload } = await readModel(client, 'oidc_payloads', ['id', id])
      const text = inCopyText(payload ?? null)
      return (session: number): string =>
        text
          .replaceAll(model.token, tokenOf(session))
          .replaceAll(model.grantId, grantIdOf(session))
          .replaceAll(model.accountId, peerIdOf('user', ownerOf(session, sessions)))
    }
    await copyRows(client, {
      table: 'oidc_payloads',
      model: ['id', model.grantId],
      rows: sessions,
      own: { id: grantIdOf, payload: await payloadsLike(model.grantId) },
    })
    await copyRows(client, {
      table: 'oidc_payloads',
      model: ['id', model.token],
      rows: sessions,
      own: { id: tokenOf, grant_id: grantIdOf, payload: await payloadsLike(model.token) },
    })
  })
}
