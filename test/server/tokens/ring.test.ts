import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { createRing } from '../../../src/server/tokens/ring.ts'

const SECRET = 'one secret that an operator keeps, 1'
const OLDER = 'one secret that an operator keeps, 0'

describe('the ring', () => {
  it('derives the same keys from the same secret, in every process', () => {
    const [here, there] = [createRing(SECRET), createRing(SECRET)]
    expect(here.current.keyId).to.equal(there.current.keyId)
    expect(here.current.fingerprint).to.deep.equal(there.current.fingerprint)
    expect(here.current.mac(Buffer.from('data'))).to.deep.equal(there.current.mac(Buffer.from('data')))
  })

  it('makes a MAC of 16 bytes that another secret does not make', () => {
    const mac = createRing(SECRET).current.mac(Buffer.from('data'))
    expect(mac).to.have.length(16)
    expect(mac.equals(createRing(OLDER).current.mac(Buffer.from('data')))).to.equal(false)
  })

  it('makes the first half of HMAC-SHA256 with a key derived by HKDF, of whatever length, however often', () => {
    const key = Buffer.from(hkdfSync('sha256', SECRET, '', 'hallpass refresh token mac', 32))
    const { current } = createRing(SECRET)
    const mac = (data: Buffer): Buffer => current.mac(data)
    const lengths = Array.from({ length: 200 }, (_, length) => length)
    for (const length of [...lengths, ...lengths.toReversed()]) {
      const data = randomBytes(length)
      const whole = createHmac('sha256', key).update(data).digest()
      expect(mac(data).equals(whole.subarray(0, 16)), `${length} bytes`).to.equal(true)
    }
    const kept = mac(Buffer.from('data'))
    expect(mac(Buffer.from('other data')).equals(kept), 'one does not write over another').to.equal(false)
    expect(kept.equals(mac(Buffer.from('data')))).to.equal(true)
  })

  it('finds secrets by key id, the current one first, also where two share it', () => {
    const twins = createRing(SECRET, [SECRET, OLDER])
    expect(twins.withKeyId(twins.current.keyId).length).to.be.at.least(2)
    expect(twins.withKeyId(twins.current.keyId)[0]).to.equal(twins.current)
    expect(twins.secrets.map(({ variable }) => variable)).to.deep.equal([
      'HALLPASS_SECRET',
      'HALLPASS_SECRET_PREVIOUS',
      'HALLPASS_SECRET_PREVIOUS',
    ])
  })

  it('tells by its fingerprint which secret sealed something', () => {
    const older = createRing(OLDER)
    expect(createRing(SECRET, [OLDER]).withFingerprint(older.current.fingerprint)?.variable).to.equal(
      'HALLPASS_SECRET_PREVIOUS',
    )
    expect(createRing(SECRET).withFingerprint(older.current.fingerprint)).to.equal(undefined)
  })

  describe('sealing', () => {
    const { current } = createRing(SECRET)
    const plain = Buffer.from('a private key')

    it('gives back what it sealed, for the same context only', () => {
      const sealed = current.encrypt(plain, 'kid 1')
      expect(current.decrypt(sealed, 'kid 1')).to.deep.equal(plain)
      expect(() => current.decrypt(sealed, 'kid 2')).to.throw()
    })

    it('never seals twice alike, and shows nothing of what it sealed', () => {
      const [first, second] = [current.encrypt(plain, 'kid'), current.encrypt(plain, 'kid')]
      expect(first.equals(second)).to.equal(false)
      expect(first.includes(plain)).to.equal(false)
    })

    it('notices a changed byte anywhere', () => {
      const sealed = current.encrypt(plain, 'kid')
      for (let index = 0; index < sealed.length; index += 1) {
        const changed = Buffer.from(sealed)
        changed[index] = (changed[index] ?? 0) ^ 1
        expect(() => current.decrypt(changed, 'kid'), `byte ${index}`).to.throw()
      }
    })

    it('cannot be opened with another secret', () => {
      expect(() => createRing(OLDER).current.decrypt(current.encrypt(plain, 'kid'), 'kid')).to.throw()
    })
  })
})
