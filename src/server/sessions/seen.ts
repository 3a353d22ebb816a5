/**
 * What a request shows of its device and network, as a few bytes: alike is equal. Most refreshes come from where
 * the one before came from, and nothing has to be read of them.
 */
import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Clients } from '../clients/clients.ts'
import { DEVICE_HEADERS } from './device.ts'
import { networkOf } from '../rate-limits/network.ts'
import { NEIGHBOURHOOD } from './policy-rules.ts'

const BYTES = 12

/** @param minima what apps are compared with, for those that say which version they are: when it changes, they are looked at again */
export function seenOf(headers: IncomingHttpHeaders, ip: string | null, minima = ''): Buffer {
  let shown = neighbourhoodIn(ip)
  for (const name of DEVICE_HEADERS) shown += `\n${String(headers[name] ?? '')}`
  if (headers['hallpass-client'] !== undefined) shown += `\n${minima}`
  return hash('sha256', shown, 'buffer').subarray(0, BYTES)
}

/**
 * Equal means one network, read from the text where that is possible: the library takes longer than all the rest. One
 * address in two spellings may be told apart, which costs a closer look and no more.
 */
function neighbourhoodIn(ip: string | null): string {
  if (ip === null) return ''
  const isIPv6 = ip.includes(':')
  if (!isIPv6) return ip.slice(0, ip.lastIndexOf('.'))
  const [first, second, third, next] = ip.split(':', 4)
  const isWhole = first !== '' && second !== '' && third !== '' && next !== undefined
  return isWhole ? `${first}:${second}:${third}` : networkOf(ip, NEIGHBOURHOOD)
}

export type See = (headers: IncomingHttpHeaders, ip: string | null) => Buffer

/** For refreshes, which are compared also with what clients ask of their apps. */
export function createSee(clients: Pick<Clients, 'known'>): See {
  let known: ReturnType<Clients['known']> | undefined
  let minima = ''
  return (headers, ip) => {
    if (known !== clients.known()) {
      known = clients.known()
      const clientsWithOne = [...known.values()].filter(({ minAppVersion }) => minAppVersion !== null)
      minima = clientsWithOne.map(({ id, minAppVersion }) => `${id} ${minAppVersion}`).join('\n')
    }
    return seenOf(headers, ip, minima)
  }
}
