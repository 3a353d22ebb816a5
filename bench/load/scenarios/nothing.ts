/** Asks for what a refresh asks for, of a server that does nothing. */
import { randomUUID } from 'node:crypto'
import { FORM, headOf, withBody } from '../request.ts'
import { expecting, type Scenario } from '../scenario.ts'

export function nothing(_options: object): Scenario {
  const head = headOf('POST', '/oauth/token', FORM)
  const body = `grant_type=refresh_token&refresh_token=hprt_${'A'.repeat(115)}`
  return {
    next: () => expecting(withBody(`${head}idempotency-key: ${randomUUID()}\r\n`, body), 200, '"refresh_token":"'),
  }
}
