/**
 * Whose request it is. X-Forwarded-For can be written by anybody, so it is read from the right and
 * only as far as proxies that the operator trusts vouch for it.
 */
import { isIP, isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = [Address, number]

/**
 * @param trustedProxies networks (CIDR) or single addresses, validated by the configuration
 * @returns a function of the socket's own address and the X-Forwarded-For header, which yields the
 *   right-most hop that is no trusted proxy, in canonical form (IPv4, or IPv6 as in RFC 5952, no
 *   zone), which PostgreSQL's `inet` takes; null when the socket has no address
 * @throws an Error for a network that is none
 */
export const createClientAddress = (
  trustedProxies: readonly string[],
): ((socketAddress: string | undefined, forwardedFor: string | undefined) => string | null) => {
  const networks = trustedProxies.map(parseNetwork)
  const isTrusted = (address: Address): boolean =>
    networks.some((network) => network[0].kind() === address.kind() && address.match(network))

  return (socketAddress, forwardedFor) => {
    // Nobody is trusted, and the system writes addresses in their canonical form.
    if (networks.length === 0 && socketAddress !== undefined && isIPv4(socketAddress)) return socketAddress
    let client = parseAddress(socketAddress ?? '')
    if (client === null) return null
    const hops = forwardedFor === undefined ? [] : forwardedFor.split(',')
    while (isTrusted(client)) {
      const hop = parseHop(hops.pop() ?? '')
      // Nothing more, or garbage: who wrote what stands left of it cannot be told.
      if (hop === null) break
      client = hop
    }
    return client.toString()
  }
}

/** True for 127.0.0.0/8 and ::1, also written as IPv4 in IPv6; false for what is no address. */
export const isLoopback = (address: string | null | undefined): boolean =>
  parseAddress(address ?? '')?.range() === 'loopback'

const parseNetwork = (text: string): Network => {
  const [address, bits] = text.includes('/') ? ipaddr.parseCIDR(text) : wholeAddress(text)
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8, as addresses are compared in that form.
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96)
    return [address.toIPv4Address(), bits - 96]
  return [address, bits]
}

const wholeAddress = (text: string): Network => {
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** Some proxies add the port: `192.0.2.1:5678`, `[2001:db8::1]:5678`. */
const parseHop = (text: string): Address | null => {
  const hop = text.trim()
  const [, bracketed, plain] =
    /^(?:\[([\da-f:.]{2,45}(?:%[^\]]{1,32})?)\]|(\d[\d.]{6,14}))(?::\d{1,5})?$/i.exec(hop) ?? []
  return parseAddress(bracketed ?? plain ?? hop)
}

const parseAddress = (text: string): Address | null => {
  const [address = ''] = text.includes(':') ? text.split('%', 1) : [text]
  // ipaddr.js alone would take "1", octal and hexadecimal parts for addresses, which other software reads differently.
  return isIP(address) === 0 ? null : ipaddr.process(address)
}
