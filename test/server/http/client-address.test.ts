import { expect } from 'chai'
import fc from 'fast-check'
import { createClientAddress, isLoopback } from '../../../src/server/http/client-address.ts'

describe('The address of a client', () => {
  const proxies = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8:ffff::1']
  const clientAddress = createClientAddress(proxies)

  describe('without a trusted proxy', () => {
    it('is the address of the socket', () => {
      expect(clientAddress('203.0.113.9', undefined)).to.equal('203.0.113.9')
    })

    it('ignores X-Forwarded-For, which anybody can write', () => {
      expect(clientAddress('203.0.113.9', '198.51.100.1')).to.equal('203.0.113.9')
      expect(createClientAddress([])('127.0.0.1', '198.51.100.1')).to.equal('127.0.0.1')
    })

    it('is null when the socket has none, whatever the header says', () => {
      expect(clientAddress(undefined, '198.51.100.1')).to.equal(null)
      expect(clientAddress('', '198.51.100.1')).to.equal(null)
      expect(clientAddress('/run/hallpass.sock', '198.51.100.1')).to.equal(null)
    })
  })

  describe('behind trusted proxies', () => {
    for (const { is, socket = '10.0.0.1', header, address } of [
      { is: 'is the one that the proxy added', header: '198.51.100.1', address: '198.51.100.1' },
      {
        is: 'is the right-most, not what the client put before it',
        header: '1.1.1.1, 127.0.0.1, 198.51.100.1',
        address: '198.51.100.1',
      },
      {
        is: 'is the right-most one that is no proxy, over a chain of them',
        header: '1.1.1.1, 198.51.100.1, 192.0.2.7,10.9.8.7',
        address: '198.51.100.1',
      },
      { is: 'is the proxy when there is no header', header: undefined, address: '10.0.0.1' },
      { is: 'is the proxy when the header is empty', header: '', address: '10.0.0.1' },
      {
        is: 'is the left-most proxy when there are only proxies',
        header: '10.0.0.3, 10.0.0.2',
        address: '10.0.0.3',
      },
      {
        is: 'is IPv6 where the hops are',
        socket: 'fd00::1',
        header: '2001:DB8:0:0:0:0:0:5, 2001:db8:ffff::1',
        address: '2001:db8::5',
      },
      {
        is: 'is found when the socket is dual-stack and writes IPv4 as IPv6',
        socket: '::ffff:10.0.0.1',
        header: '::ffff:198.51.100.1',
        address: '198.51.100.1',
      },
      {
        is: 'is the neighbour of a single trusted address',
        socket: '192.0.2.8',
        header: '1.1.1.1',
        address: '192.0.2.8',
      },
    ]) {
      it(`${is} (${header ?? 'none'})`, () => {
        expect(clientAddress(socket, header)).to.equal(address)
      })
    }

    it('takes a network written as IPv4 in IPv6 for the IPv4 network', () => {
      expect(createClientAddress(['::ffff:10.0.0.0/104'])('10.0.0.1', '198.51.100.1')).to.equal('198.51.100.1')
      expect(createClientAddress(['::ffff:10.0.0.1'])('10.0.0.1', '198.51.100.1')).to.equal('198.51.100.1')
    })

    it('never depends on anything left of the first hop that is not trusted', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (forged) => {
          expect(clientAddress('10.0.0.1', `${forged},198.51.100.1, 10.0.0.2`)).to.equal('198.51.100.1')
        }),
      )
    })
  })

  describe('when a hop is garbage', () => {
    for (const garbage of [
      'unknown',
      '_hidden',
      '',
      'localhost',
      '1',
      '010.0.0.1',
      '0x7f.0.0.1',
      '10.1',
      '256.1.1.1',
      '10.0.0.1/8',
      '10.0.0.1%eth0',
      '[10.0.0.1]extra',
      '[::1',
      '1.2.3.4:port',
      ':'.repeat(16_000),
    ]) {
      it(`stops at the last trusted proxy and accepts nothing left of "${garbage.slice(0, 20)}"`, () => {
        expect(clientAddress('10.0.0.1', `198.51.100.1, ${garbage}, 10.0.0.2`)).to.equal('10.0.0.2')
      })
    }
  })

  describe('in its canonical form', () => {
    for (const [hop, address] of [
      ['198.51.100.1:5678', '198.51.100.1'],
      ['[2001:db8::5]:443', '2001:db8::5'],
      ['[2001:db8::5]', '2001:db8::5'],
      ['2001:0DB8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['fe80::1%eth0.100', 'fe80::1'],
      ['[fe80::1%en-0]:80', 'fe80::1'],
      ['::ffff:198.51.100.1', '198.51.100.1'],
      ['::ffff:c633:6401', '198.51.100.1'],
      ['[::ffff:198.51.100.1]:80', '198.51.100.1'],
      ['\t198.51.100.1 ', '198.51.100.1'],
    ] as const) {
      it(`is ${address} for the hop ${hop.trim()}`, () => {
        expect(clientAddress('10.0.0.1', hop)).to.equal(address)
      })
    }

    it('has no zone when the socket has one', () => {
      expect(clientAddress('fe80::1%eth0', undefined)).to.equal('fe80::1')
    })
  })

  it('is found in a header of 2 MB, in which anything quadratic would be lost for minutes', () => {
    expect(clientAddress('10.0.0.1', `198.51.100.7${',10.0.0.1'.repeat(220_000)}`)).to.equal('198.51.100.7')
  })

  it('cannot be configured with what is no network', () => {
    expect(() => createClientAddress(['proxies.example'])).to.throw()
  })
})

describe('A loopback address', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::1%lo']) {
    it(`is ${address}`, () => expect(isLoopback(address)).to.equal(true))
  }
  for (const address of [
    '10.0.0.1',
    '::2',
    '::',
    '0.0.0.0',
    'localhost',
    '0177.0.0.1',
    '2130706433',
    '',
    null,
    undefined,
  ]) {
    it(`is not ${address === '' ? 'an empty string' : address}`, () => expect(isLoopback(address)).to.equal(false))
  }
})
