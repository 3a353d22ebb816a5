/** Who knocks, as far as an address can tell. */
import ipaddr from 'ipaddr.js'

/** All whose address is not known share one: nobody goes uncounted. */
export const UNKNOWN_NETWORK = 'unknown'

/** Bits that all addresses of a network have in common, in whole bytes. */
interface Prefix {
  readonly ipv4: number
  readonly ipv6: number
}

/** What one line to the internet has, and so one person can choose from. */
const ONE_LINE: Prefix = { ipv4: 32, ipv6: 64 }

/**
 * IPv4 written as IPv6 is IPv4.
 * @returns a network that PostgreSQL's `inet` takes, or `UNKNOWN_NETWORK`
 */
export function networkOf(ip: string | null, { ipv4, ipv6 }: Prefix = ONE_LINE): string {
  if (ip === null || !ipaddr.isValid(ip)) return UNKNOWN_NETWORK
  const address = ipaddr.process(ip)
  const bits = address instanceof ipaddr.IPv4 ? ipv4 : ipv6
  const bytes = address.toByteArray().map((byte, index) => (index < bits / 8 ? byte : 0))
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`
}
