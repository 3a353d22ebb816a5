import { fillFleet } from '../fleet/fill.ts'
import { startHallpass } from '../services/hallpass.ts'
import { partsOf, type StartContestant } from './contestant.ts'

/** @param directory another checkout than this one */
export const hallpass =
  (name: string, directory?: string): StartContestant =>
  async ({ databaseUrl, sessions }) => {
    const service = await startHallpass({ databaseUrl, ...(directory === undefined ? {} : { directory }) })
    await fillFleet({ sessions, url: service.url, databaseUrl })
    const created = await service.run('api-keys', 'create', '--scope', 'introspect')
    const [, id = '', key = ''] = /^id\s+(\S+)\nkey\s+(\S+)/.exec(created) ?? []
    const { secret } = service
    const parts = partsOf(sessions)
    return {
      name,
      service,
      operations: {
        refresh: { name: 'refresh', options: { sessions, secret, part: parts.refresh } },
        list: { name: 'list', options: { sessions, secret, part: parts.list } },
        revoke: { name: 'revoke', options: { sessions, secret, part: parts.revoke } },
        introspect: { name: 'introspect', options: { sessions, secret, part: parts.introspect, apiKey: { id, key } } },
        'sign-in': { name: 'sign-in', options: { sessions } },
      },
    }
  }
