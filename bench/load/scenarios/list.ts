/** The owner's list of sessions, asked for by devices that are in use: their access tokens are used again and again. */
import { encodeRefreshToken } from '../../../src/server/tokens/refresh-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { firstTokenOf } from '../../fleet/fleet.ts'
import { FORM, headOf, withBody, withoutBody } from '../request.ts'
import { expecting, unexpected, type Scenario, type Turn } from '../scenario.ts'
import { textIn } from '../text-in.ts'
import type { FleetOptions } from './refresh.ts'

const DEVICES_IN_USE = 500
/** Milliseconds; a token lasts five minutes. */
const TOKEN_USED_FOR = 240_000

interface Device {
  refreshToken: string
  accessToken: string
  /** Milliseconds of the process's clock. */
  until: number
}

export function list({ sessions, secret, part = { from: 0, to: sessions } }: FleetOptions): Scenario {
  const ring = createRing(secret)
  const head = headOf('GET', '/v1/sessions')
  const refreshHead = headOf('POST', '/oauth/token', FORM)
  const step = Math.max(1, Math.floor((part.to - part.from) / DEVICES_IN_USE))
  const devices: Device[] = []
  for (let session = part.from; session < part.to; session += step) {
    const refreshToken = encodeRefreshToken(firstTokenOf(session, sessions), ring)
    devices.push({ refreshToken, accessToken: '', until: 0 })
  }
  let count = 0

  function refreshed(device: Device): Turn {
    // Meanwhile nobody else refreshes it.
    device.until = Infinity
    return {
      request: withBody(refreshHead, `grant_type=refresh_token&refresh_token=${device.refreshToken}`),
      isAside: true,
      take(answer) {
        device.refreshToken = textIn(answer.body, '"refresh_token":"') ?? ''
        device.accessToken = textIn(answer.body, '"access_token":"') ?? ''
        device.until = performance.now() + TOKEN_USED_FOR
        return device.accessToken === '' ? unexpected(answer) : null
      },
    }
  }

  /** One whose token is good, or which can get one. */
  function choose(): Device {
    for (;;) {
      count += 1
      const device = devices[count % devices.length]
      if (device !== undefined && (device.until !== Infinity || device.accessToken !== '')) return device
    }
  }

  return {
    next() {
      const device = choose()
      if (device.until < performance.now()) return refreshed(device)
      return expecting(withoutBody(`${head}authorization: Bearer ${device.accessToken}\r\n`), 200, '"current":true')
    },
  }
}
