/** Refresh at our own service: a random session of the fleet, with the token that its last refresh returned. */
import { randomUUID } from 'node:crypto'
import { encodeRefreshToken } from '../../../src/server/tokens/refresh-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { firstTokenOf } from '../../fleet/fleet.ts'
import { headOf } from '../device.ts'
import { unexpected, type Scenario } from '../scenario.ts'
import { textIn } from '../text-in.ts'

export interface RefreshOptions {
  readonly sessions: number
  /** HALLPASS_SECRET of the service. */
  readonly secret: string
  /** The fleet's part that this load keeps to, so that two may share it. All of it where nothing is said. */
  readonly from?: number
  readonly to?: number
}

export function refresh({ sessions, secret, from = 0, to = sessions }: RefreshOptions): Scenario {
  const ring = createRing(secret)
  const head = headOf('POST', '/oauth/token', { 'content-type': 'application/x-www-form-urlencoded' })
  /** Those that were refreshed: all others' can be computed. */
  const tokens = new Map<number, string>()
  const underWay = new Set<number>()

  function choose(): number {
    for (;;) {
      const session = from + Math.floor(Math.random() * (to - from))
      if (!underWay.has(session)) return session
    }
  }

  return {
    next() {
      const session = choose()
      underWay.add(session)
      const token = tokens.get(session) ?? encodeRefreshToken(firstTokenOf(session, sessions), ring)
      const body = `grant_type=refresh_token&refresh_token=${token}`
      return {
        request: `${head}idempotency-key: ${randomUUID()}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        take(answer) {
          underWay.delete(session)
          const successor = textIn(answer.body, '"refresh_token":"')
          const isGood = answer.status === 200 && successor !== null && successor !== token
          if (!isGood || textIn(answer.body, '"access_token":"') === null) return unexpected(answer)
          tokens.set(session, successor)
          return null
        },
      }
    },
  }
}
