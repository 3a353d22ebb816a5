import { createHmac, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { createHmacSha256 } from '../../../src/server/tokens/hmac.ts'

describe('HMAC-SHA256', () => {
  it('is what RFC 4231 says (test cases 1 and 2)', () => {
    const hex = (key: Uint8Array, data: string): string => createHmacSha256(key)(Buffer.from(data)).toString('hex')
    expect(hex(Buffer.alloc(20, 0x0b), 'Hi There')).to.equal(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    )
    expect(hex(Buffer.from('Jefe'), 'what do ya want for nothing?')).to.equal(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  it('is what node:crypto says, for any key of up to 64 bytes and any data', () => {
    for (let length = 0; length <= 64; length += 1) {
      const [key, data] = [randomBytes(length), randomBytes(length * 7)]
      expect(createHmacSha256(key)(data)).to.deep.equal(createHmac('sha256', key).update(data).digest())
    }
  })

  it('of one message is not that of the one before', () => {
    const mac = createHmacSha256(randomBytes(32))
    const first = mac(Buffer.from('one'))
    mac(Buffer.from('other'))
    expect(mac(Buffer.from('one'))).to.deep.equal(first)
  })
})
