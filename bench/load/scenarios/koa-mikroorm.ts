/** The service of peers/koa-mikroorm.ts: refresh with rotation. */
import { sessionIdOf } from '../../fleet/fleet.ts'
import { peerIdOf } from '../../fleet/peer-ids.ts'
import type { Part } from '../part.ts'
import { FORM, headOf, withBody } from '../request.ts'
import { rotating } from '../rotating.ts'
import type { Scenario } from '../scenario.ts'

export function koaMikroOrm({ part }: { readonly part: Part }): Scenario {
  const head = headOf('POST', '/token', FORM)
  return rotating({
    part,
    firstToken: (session) => `${sessionIdOf(session)}.${peerIdOf('token', session)}`,
    request: (token) => withBody(head, `grant_type=refresh_token&refresh_token=${token}`),
  })
}
