import { createHmac, hkdfSync } from 'node:crypto'
import { expect } from 'chai'
import { v7 as uuidv7 } from 'uuid'
import {
  decodeRefreshToken,
  encodeRefreshToken,
  GENERATION_LIMIT,
  type RefreshToken,
} from '../../../src/server/tokens/refresh-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { newSecret } from '../../../src/server/tokens/secrets.ts'

const SECRET = 'one secret that an operator keeps, 1'
const ring = createRing(SECRET)

const aToken = (generation = 7): RefreshToken => ({
  userId: uuidv7(),
  sessionId: uuidv7(),
  generation,
  secret: newSecret(),
})

const bytesOf = (token: string): Buffer => Buffer.from(token.slice(5), 'base64url')

describe('the refresh token', () => {
  it('is hprt_ and 115 characters, and decodes to what it was made of', () => {
    const token = aToken()
    const encoded = encodeRefreshToken(token, ring)
    expect(encoded).to.match(/^hprt_[A-Za-z0-9_-]{115}$/)
    expect(decodeRefreshToken(encoded, ring)).to.deep.equal({ kind: 'genuine', token })
  })

  it('has the layout that the documentation gives, so that others can read it', () => {
    const token = aToken(0x01020304)
    const bytes = bytesOf(encodeRefreshToken(token, ring))
    const derive = (label: string): Buffer => Buffer.from(hkdfSync('sha256', SECRET, '', label, 32))

    expect(bytes).to.have.length(86)
    expect(bytes[0]).to.equal(1)
    expect(bytes[1]).to.equal(derive('hallpass key id')[0])
    expect(bytes.subarray(2, 18).toString('hex')).to.equal(token.userId.replaceAll('-', ''))
    expect(bytes.subarray(18, 34).toString('hex')).to.equal(token.sessionId.replaceAll('-', ''))
    expect(bytes.subarray(34, 38).toString('hex')).to.equal('01020304')
    expect(bytes.subarray(38, 70)).to.deep.equal(token.secret)
    const mac = createHmac('sha256', derive('hallpass refresh token mac')).update(bytes.subarray(0, 70)).digest()
    expect(bytes.subarray(70)).to.deep.equal(mac.subarray(0, 16))
  })

  it('can be made again, byte for byte', () => {
    const token = aToken()
    expect(encodeRefreshToken(token, ring)).to.equal(encodeRefreshToken(token, createRing(SECRET)))
  })

  it('is malformed with any character changed, wherever it stands, unless it then names an unknown key', () => {
    const encoded = encodeRefreshToken(aToken(), ring)
    for (let index = 0; index < encoded.length; index += 1) {
      for (const other of ['A', 'z', '_', '=', ' ', 'é']) {
        if (encoded[index] === other) continue
        const changed = encoded.slice(0, index) + other + encoded.slice(index + 1)
        const { kind } = decodeRefreshToken(changed, ring)
        expect(kind, `${index} ${other}`).to.be.oneOf(['malformed', 'unknown_key'])
        // The key id is the second byte: characters 1 to 3 of the body share its bits.
        if (kind === 'unknown_key') expect(index - 5).to.be.within(1, 2)
      }
    }
  })

  it('has one spelling: another last character that decodes to the same bytes is refused', () => {
    const encoded = encodeRefreshToken(aToken(), ring)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const sameBytes = alphabet
      .split('')
      .map((last) => encoded.slice(0, -1) + last)
      .filter((other) => other !== encoded && bytesOf(other).equals(bytesOf(encoded)))
    expect(sameBytes).to.have.length(3)
    for (const other of sameBytes) expect(decodeRefreshToken(other, ring).kind).to.equal('malformed')
  })

  it('is malformed when it is cut, prolonged, padded, spaced or of another kind', () => {
    const encoded = encodeRefreshToken(aToken(), ring)
    const others = ['', 'hprt_', encoded.slice(0, -1), `${encoded}A`, `${encoded}=`, ` ${encoded}`, `${encoded}\n`]
    others.push(
      encoded.replace('hprt_', 'hpak_'),
      encoded.replace('hprt_', 'HPRT_'),
      encoded.slice(5),
      'x'.repeat(4096),
    )
    for (const other of others) expect(decodeRefreshToken(other, ring).kind, other).to.equal('malformed')
  })

  it('refuses the last generation, which has no successor', () => {
    const last = encodeRefreshToken(aToken(GENERATION_LIMIT), ring)
    expect(decodeRefreshToken(last, ring).kind).to.equal('malformed')
    const beforeLast = encodeRefreshToken(aToken(GENERATION_LIMIT - 1), ring)
    expect(decodeRefreshToken(beforeLast, ring).kind).to.equal('genuine')
  })

  describe('when the ring changes', () => {
    const NEXT = 'one secret that an operator keeps, 2'

    it('is good with a secret that is accepted but not used', () => {
      const token = aToken()
      const made = encodeRefreshToken(token, createRing(NEXT))
      expect(decodeRefreshToken(made, createRing(SECRET, [NEXT]))).to.deep.equal({ kind: 'genuine', token })
    })

    it('is of an unknown key, not malformed, where the process does not know its secret yet', () => {
      const made = encodeRefreshToken(aToken(), createRing(NEXT))
      expect(ring.current.keyId).to.not.equal(createRing(NEXT).current.keyId)
      expect(decodeRefreshToken(made, ring).kind).to.equal('unknown_key')
    })

    it('tries both of two secrets that share a key id', () => {
      const { keyId } = ring.current
      let other = ''
      for (let n = 0; other === ''; n += 1) {
        const candidate = `another secret that an operator keeps ${n}`
        if (createRing(candidate).current.keyId === keyId) other = candidate
      }
      const token = aToken()
      const made = encodeRefreshToken(token, createRing(other))
      expect(decodeRefreshToken(made, createRing(SECRET, [other]))).to.deep.equal({ kind: 'genuine', token })
      expect(decodeRefreshToken(made, ring).kind).to.equal('malformed')
    })
  })
})
