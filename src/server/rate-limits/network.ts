/** Who knocks, as far as an address can tell. */
import ipaddr from 'ipaddr.js'

/** All whose address is not known share one: nobody goes uncounted. */
export const UNKNOWN_NETWORK = 'unknown'

/**
 * What one line to the internet has, and so one person can choose from: a whole IPv4 address (/32), or
 * an IPv6 /64. IPv4 written as IPv6 is IPv4.
 *
 * @returns a network that PostgreSQL's `inet` takes, or `UNKNOWN_NETWORK`
 */
export function networkOf(ip: string | null): string {
  if (ip === null || !ipaddr.isValid(ip)) return UNKNOWN_NETWORK
  const address = ipaddr.process(ip)
  if (address instanceof ipaddr.IPv4) return `${address.toString()}/32`
  return `${new ipaddr.IPv6([...address.parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`
}
