import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect } from 'chai'
import { compactVerify } from 'jose'
import { fromDer, signCompact } from '../../../src/server/tokens/compact-jws.ts'

const PAIRS = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

describe('A compact JWS', () => {
  for (const [alg, { publicKey, privateKey }] of Object.entries(PAIRS)) {
    it(`by ${alg} is what another library verifies`, async () => {
      const jws = await signCompact('at+jwt', { sub: 'Ünïcode ✓' }, { kid: 'a key', alg, privateKey })
      const { payload, protectedHeader } = await compactVerify(jws, publicKey)
      expect(protectedHeader).to.deep.equal({ alg, typ: 'at+jwt', kid: 'a key' })
      expect(JSON.parse(Buffer.from(payload).toString())).to.deep.equal({ sub: 'Ünïcode ✓' })
    })
  }

  it('by ES256 carries the same numbers as the DER, whichever they are', () => {
    const { publicKey, privateKey } = PAIRS.ES256
    const lengths = new Set<number>()
    // One number in 256 is short: among so many there are such.
    for (let count = 0; count < 2_000; count += 1) {
      const data = Buffer.from(String(count))
      const der = sign('sha256', data, privateKey)
      lengths.add(der.length)
      expect(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, fromDer(der))).to.equal(true)
    }
    expect(lengths.size).to.be.above(2)
  })

  it('reads the numbers of a signature with a leading zero, and short ones', () => {
    const integer = (bytes: number[]): Buffer => Buffer.from([2, bytes.length, ...bytes])
    const der = (...integers: Buffer[]): Buffer => {
      const body = Buffer.concat(integers)
      return Buffer.concat([Buffer.from([0x30, body.length]), body])
    }
    const high = Array.from({ length: 32 }, () => 0xff)
    expect(fromDer(der(integer([0, ...high]), integer([1, 2])))).to.deep.equal(
      Buffer.from([...high, ...Array.from({ length: 30 }, () => 0), 1, 2]),
    )
  })

  it('is made with no other algorithm', async () => {
    const { privateKey } = PAIRS.RS256
    const signing = signCompact('at+jwt', {}, { kid: 'a key', alg: 'none', privateKey })
    expect(await signing.catch((error: Error) => error.message)).to.equal('there is no signing with none')
  })
})
