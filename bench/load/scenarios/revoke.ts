/** A session is ended by whoever holds its refresh token (RFC 7009). */
import { encodeRefreshToken } from '../../../src/server/tokens/refresh-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { firstTokenOf } from '../../fleet/fleet.ts'
import { createOnce } from '../part.ts'
import { FORM, headOf, withBody } from '../request.ts'
import { expecting, type Scenario } from '../scenario.ts'
import type { FleetOptions } from './refresh.ts'

export function revoke({ sessions, secret, part = { from: 0, to: sessions } }: FleetOptions): Scenario {
  const ring = createRing(secret)
  const head = headOf('POST', '/oauth/revoke', FORM)
  const once = createOnce(part)
  return {
    next: () => expecting(withBody(head, `token=${encodeRefreshToken(firstTokenOf(once(), sessions), ring)}`), 200),
  }
}
