import { expect } from 'chai'
import { requireScope, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { createTestClock, createTestIssuer, type TestIssuer } from '../../src/verifier/testing/index.ts'
import { createLine, refusalOf } from './line.ts'
import { beforeCrypto } from './webcrypto.ts'

describe('Tokens that were seen before', () => {
  let issuer: TestIssuer
  beforeEach(async () => (issuer = await createTestIssuer({ clock: createTestClock(Date.UTC(2026, 0, 1)) })))

  async function aVerifier(options: Partial<VerifierOptions> = {}): Promise<Verifier> {
    const verifier = issuer.createVerifier(options)
    await verifier.ready()
    return verifier
  }

  /** How many signatures are checked meanwhile. */
  async function checksIn(work: () => Promise<void>): Promise<number> {
    let checks = 0
    await beforeCrypto('verify', () => void (checks += 1), work)
    return checks
  }

  const remembered = (verifier: Verifier): number => verifier.status().rememberedTokens
  const seconds = (): number => Math.floor(issuer.clock.now() / 1000)

  it('are not checked again', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken()
    const checks = await checksIn(async () => {
      for (let count = 0; count < 10; count += 1) expect(await verifier.verify(token)).to.include({ sub: 'user-1' })
    })
    expect(checks).to.equal(1)
    expect(remembered(verifier)).to.equal(1)
  })

  it('are the same, however the request writes its header', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken()
    const checks = await checksIn(async () => {
      for (const credential of [token, `Bearer ${token}`, `bearer ${token}`, `BEARER  ${token} `])
        await verifier.verify(credential)
    })
    expect(checks).to.equal(1)
  })

  it('are others when they differ in one character, wherever it is', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken()
    await verifier.verify(token)
    const another = (character: string | undefined): string => (character === 'A' ? 'B' : 'A')
    // The last one of a signature has bits to spare, which say nothing.
    for (let at = 0; at < token.length - 1; at += 1) {
      const other = token.slice(0, at) + another(token[at]) + token.slice(at + 1)
      expect(await refusalOf(verifier.verify(other)), `at ${at}`).not.to.equal(null)
    }
    for (const other of [`${token}A`, token.slice(0, -1), `A${token}`, token.slice(1)])
      expect(await refusalOf(verifier.verify(other))).not.to.equal(null)
    expect(remembered(verifier)).to.equal(1)
  })

  it('are not remembered when they were refused', async () => {
    const verifier = await aVerifier()
    const tokens = [
      await issuer.signTestToken({ aud: 'another' }),
      await issuer.signTestToken({ exp: seconds() - 60 }),
      await issuer.signTestToken({ iat: seconds() + 60 }),
      await issuer.signTestToken({}, { typ: 'JWT' }),
    ]
    for (const token of tokens) {
      expect(await refusalOf(verifier.verify(token))).not.to.equal(null)
      expect(await refusalOf(verifier.verify(token))).not.to.equal(null)
    }
    expect(remembered(verifier)).to.equal(0)
  })

  it('expire all the same', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken()
    expect(await refusalOf(verifier.verify(token))).to.equal(null)
    await issuer.clock.advance(309)
    expect(await refusalOf(verifier.verify(token)), 'within the tolerance').to.equal(null)
    await issuer.clock.advance(1)
    expect(await refusalOf(verifier.verify(token))).to.equal('token_expired')
  })

  it('are forgotten when they have expired, as others come', async () => {
    const verifier = await aVerifier()
    for (let count = 0; count < 10; count += 1) await verifier.verify(await issuer.signTestToken())
    expect(remembered(verifier)).to.equal(10)
    await issuer.clock.advance(311)
    await verifier.verify(await issuer.signTestToken())
    expect(remembered(verifier)).to.equal(1)
  })

  it('are no more than cacheSize, and the oldest go first', async () => {
    const verifier = await aVerifier({ cacheSize: 3 })
    const tokens = await Promise.all(Array.from({ length: 5 }, () => issuer.signTestToken()))
    for (const token of tokens) {
      await verifier.verify(token)
      expect(remembered(verifier)).to.be.at.most(3)
    }
    const checked = []
    for (const token of tokens.toReversed()) {
      checked.push(await checksIn(async () => void (await verifier.verify(token))))
    }
    expect(checked).to.deep.equal([0, 0, 0, 1, 1])
  })

  it('are none where cacheSize is 0', async () => {
    const verifier = await aVerifier({ cacheSize: 0 })
    const token = await issuer.signTestToken()
    const checks = await checksIn(async () => {
      for (let count = 0; count < 3; count += 1) await verifier.verify(token)
    })
    expect(checks).to.equal(3)
    expect(remembered(verifier)).to.equal(0)
  })

  it('are good for the verifier that saw them, and for no other', async () => {
    const verifier = await aVerifier()
    const others: Partial<VerifierOptions>[] = [
      { audience: 'https://other.example' },
      { issuer: 'https://other.example', serviceUrl: issuer.issuer },
    ]
    const token = await issuer.signTestToken()
    await verifier.verify(token)
    for (const options of others) {
      const other = issuer.createVerifier(options)
      expect(await refusalOf(other.verify(token))).to.be.oneOf(['token_audience', 'token_issuer'])
    }
    const both = await aVerifier({ audience: ['https://other.example', issuer.audience] })
    expect(await checksIn(async () => void (await both.verify(token)))).to.equal(1)
  })

  it('are asked against the revocations each time', async () => {
    const verifier = await aVerifier()
    const [token, other] = [await issuer.signTestToken(), await issuer.signTestToken({ sid: 'session-2' })]
    for (const each of [token, other]) await verifier.verify(each)
    issuer.revoke('session-1')
    issuer.markStale('session-2')
    await issuer.clock.advance(0)
    expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
    expect(await refusalOf(verifier.verify(other))).to.equal('token_stale')
  })

  it('are asked against the staleness of the feed each time', async () => {
    const verifier = await aVerifier({ onStale: 'reject' })
    const token = await issuer.signTestToken()
    await verifier.verify(token)
    issuer.isDown = true
    await issuer.clock.advance(31)
    expect(await refusalOf(verifier.verify(token))).to.equal('revocations_unknown')
  })

  it('are asked by every guard each time', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken({ scope: 'read' })
    let calls = 0
    const counts = (): undefined => void (calls += 1)
    for (let count = 0; count < 3; count += 1) {
      await verifier.verify(token, { guards: [requireScope('read'), counts] })
      expect(await refusalOf(verifier.verify(token, { guards: [requireScope('write'), counts] }))).to.equal(
        'insufficient_scope',
      )
    }
    expect(calls).to.equal(3)
  })

  it('give the same claims to everybody, which nobody can change', async () => {
    const verifier = await aVerifier()
    const roles = { orders: ['read'], nested: { deep: [{ down: true }] } }
    const token = await issuer.signTestToken({ roles, aud: [issuer.audience, 'another'] })
    for (const claims of [await verifier.verify(token), await verifier.verify(token)]) {
      const found = claims as unknown as { sub: string; amr: string[]; aud: string[]; roles: typeof roles }
      const changes = [
        () => (found.sub = 'admin'),
        () => found.amr.push('otp'),
        () => found.aud.pop(),
        () => Object.assign(found, { admin: true }),
        () => found.roles.orders.push('write'),
        () => Object.assign(found.roles.nested.deep[0] ?? {}, { down: false }),
        () => Reflect.deleteProperty(found, 'roles') || expect.fail('it was deleted'),
      ]
      for (const change of changes) expect(change).to.throw()
    }
    expect(await verifier.verify(token)).to.deep.include({ sub: 'user-1', amr: ['pwd'], roles })
  })

  it('need nobody: the issuer may be gone, and nothing is asked of it', async () => {
    const line = createLine(issuer)
    const verifier = await aVerifier({ fetch: line.fetch, follow: 'poll', pollInterval: 100, maxStaleness: 1000 })
    const token = await issuer.signTestToken()
    await verifier.verify(token)
    issuer.isDown = true
    const before = line.count()
    for (let count = 0; count < 100; count += 1) await verifier.verify(token)
    expect(line.count()).to.equal(before)
  })
})
