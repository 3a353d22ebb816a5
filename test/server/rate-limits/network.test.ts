import { expect } from 'chai'
import { networkOf, UNKNOWN_NETWORK } from '../../../src/server/rate-limits/network.ts'

describe('The network of an address', () => {
  const cases: [string, string | null, string][] = [
    ['is a whole IPv4 address', '192.0.2.17', '192.0.2.17/32'],
    ['is the IPv4 address also where it is written as IPv6', '::ffff:192.0.2.17', '192.0.2.17/32'],
    ['is a whole IPv6 /64', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['is the same for the last address of a /64', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['is the same however IPv6 is written', '2001:0DB8:0001:0002:0:0:0:0', '2001:db8:1:2::/64'],
    ['is another one for the next /64', '2001:db8:1:3::', '2001:db8:1:3::/64'],
    ['is one for all that are not known', null, UNKNOWN_NETWORK],
    ['is that one for what is no address', 'somewhere', UNKNOWN_NETWORK],
  ]
  for (const [what, ip, network] of cases) {
    it(what, () => expect(networkOf(ip)).to.equal(network))
  }
})
