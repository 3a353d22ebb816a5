/** Refresh at our own service, by the client rule: each with an idempotency key of its own. */
import { randomUUID } from 'node:crypto'
import { encodeRefreshToken } from '../../../src/server/tokens/refresh-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { firstTokenOf } from '../../fleet/fleet.ts'
import type { Part } from '../part.ts'
import { FORM, headOf, withBody } from '../request.ts'
import { rotating } from '../rotating.ts'
import type { Scenario } from '../scenario.ts'

export interface FleetOptions {
  readonly sessions: number
  /** HALLPASS_SECRET of the service. */
  readonly secret: string
  /** All of the fleet where nothing is said. */
  readonly part?: Part
}

export function refresh({ sessions, secret, part = { from: 0, to: sessions } }: FleetOptions): Scenario {
  const ring = createRing(secret)
  const head = headOf('POST', '/oauth/token', FORM)
  return rotating({
    part,
    firstToken: (session) => encodeRefreshToken(firstTokenOf(session, sessions), ring),
    request: (token) =>
      withBody(`${head}idempotency-key: ${randomUUID()}\r\n`, `grant_type=refresh_token&refresh_token=${token}`),
  })
}
