/** An API asks whether a refresh token is in force (RFC 7662). */
import { encodeRefreshToken } from '../../../src/server/tokens/refresh-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { firstTokenOf } from '../../fleet/fleet.ts'
import { anyOf } from '../part.ts'
import { FORM, headOf, withBody } from '../request.ts'
import { expecting, type Scenario } from '../scenario.ts'
import type { FleetOptions } from './refresh.ts'

export interface IntrospectOptions extends FleetOptions {
  readonly apiKey: { readonly id: string; readonly key: string }
}

export function introspect({
  sessions,
  secret,
  apiKey,
  part = { from: 0, to: sessions },
}: IntrospectOptions): Scenario {
  const ring = createRing(secret)
  const credential = Buffer.from(`${apiKey.id}:${apiKey.key}`).toString('base64')
  const head = headOf('POST', '/oauth/introspect', { ...FORM, authorization: `Basic ${credential}` })
  const tokenOf = (session: number): string => encodeRefreshToken(firstTokenOf(session, sessions), ring)
  return { next: () => expecting(withBody(head, `token=${tokenOf(anyOf(part))}`), 200, '"active":true') }
}
