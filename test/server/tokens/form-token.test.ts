import { expect } from 'chai'
import { v7 as uuidv7 } from 'uuid'
import { createFormTokens } from '../../../src/server/tokens/form-token.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'

const SECRET = 'one secret that an operator keeps, 1'
const OLDER = 'one secret that an operator keeps, 0'
const CONFIRMED_AT = new Date('2026-03-31T12:00:00.900Z')

describe("The token of a page's forms", () => {
  const tokens = createFormTokens({ ring: createRing(SECRET) })
  const sessionId = uuidv7()

  it('says when who they are was confirmed, to the second', () => {
    const token = tokens.make(sessionId, CONFIRMED_AT)
    expect(tokens.read(token, sessionId)).to.deep.equal({ confirmedAt: new Date('2026-03-31T12:00:00Z') })
  })

  it('says that nothing was confirmed', () => {
    expect(tokens.read(tokens.make(sessionId, null), sessionId)).to.deep.equal({ confirmedAt: null })
  })

  it('is good for the session it was made for, and for no other', () => {
    expect(tokens.read(tokens.make(uuidv7(), CONFIRMED_AT), sessionId)).to.equal(null)
    expect(tokens.read(tokens.make(uuidv7(), null), sessionId)).to.equal(null)
  })

  it('is refused when its time is another one', () => {
    const [, mac = ''] = tokens.make(sessionId, null).split('.')
    const [seconds = ''] = tokens.make(sessionId, CONFIRMED_AT).split('.')
    expect(tokens.read(`${seconds}.${mac}`, sessionId)).to.equal(null)
    const [, confirmedMac = ''] = tokens.make(sessionId, CONFIRMED_AT).split('.')
    expect(tokens.read(`${Number(seconds) + 1}.${confirmedMac}`, sessionId)).to.equal(null)
    expect(tokens.read(`0.${confirmedMac}`, sessionId)).to.equal(null)
  })

  it('has one spelling', () => {
    const token = tokens.make(sessionId, CONFIRMED_AT)
    for (const other of ['', '0', '.', `0${token}`, `+${token}`, ` ${token}`, `${token} `, `${token}=`, `${token}\n`]) {
      expect(tokens.read(other, sessionId), JSON.stringify(other)).to.equal(null)
    }
    expect(tokens.read(undefined, sessionId)).to.equal(null)
    // The last character has four bits that mean nothing: they have to be zero all the same.
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(token.at(-1) ?? '')
    const twin = token.slice(0, -1) + 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[last + 1]
    expect(tokens.read(twin, sessionId)).to.equal(null)
  })

  it('outlives a change of the secret, as long as the older one is accepted', () => {
    const token = createFormTokens({ ring: createRing(OLDER) }).make(sessionId, CONFIRMED_AT)
    expect(createFormTokens({ ring: createRing(SECRET, [OLDER]) }).read(token, sessionId)).not.to.equal(null)
    expect(tokens.read(token, sessionId)).to.equal(null)
  })

  it('is made with a key of its own', () => {
    const ring = createRing(SECRET)
    const data = Buffer.from(`${sessionId}.0`)
    expect(ring.current.formMac(data).equals(ring.current.mac(data))).to.equal(false)
  })
})
