import { base64url, CompactSign, FlattenedSign, generateKeyPair, UnsecuredJWT } from 'jose'
import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import { Refused, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { openSnapshot, sealSnapshot } from '../../src/verifier/snapshot.ts'
import { createTestClock, createTestIssuer, type TestIssuer } from '../../src/verifier/testing/index.ts'
import { createLine, fail, refusalOf, type Line } from './line.ts'
import { beforeCrypto } from './webcrypto.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const SECRET = 'thirty-two characters and a few more'

describe('A snapshot of what a verifier knows', () => {
  let issuer: TestIssuer
  let line: Line
  beforeEach(async () => {
    issuer = await createTestIssuer({ clock: createTestClock(Date.UTC(2026, 0, 1)) })
    line = createLine(issuer)
  })

  const pass = (seconds: number): Promise<void> => issuer.clock.advance(seconds)

  async function aVerifier(options: Partial<VerifierOptions> = {}): Promise<Verifier> {
    const verifier = issuer.createVerifier({ fetch: line.fetch, ...options })
    await pass(0)
    return verifier
  }

  /** Of an API that has run for a while, and knows of one session that is over and of one that has changed. */
  async function aSnapshot(options: Partial<VerifierOptions> = {}): Promise<string> {
    const verifier = await aVerifier(options)
    issuer.revoke('lost-phone')
    issuer.markStale('promoted')
    await pass(5)
    const snapshot = await verifier.snapshot()
    verifier.close()
    return snapshot
  }

  const verifyWith = async (verifier: Verifier, claims: object = {}): Promise<string | null> =>
    refusalOf(verifier.verify(await issuer.signTestToken({ ...claims })))

  const ago = (seconds: number): { iat: number } => ({ iat: Math.floor(issuer.clock.now() / 1000) - seconds })

  describe('that was restored', () => {
    it('has an API check tokens and refuse revoked ones that starts while the issuer is down', async () => {
      const snapshot = await aSnapshot()
      issuer.isDown = true
      const verifier = await aVerifier()
      expect(await verifyWith(verifier)).to.equal('issuer_unreachable')
      await verifier.restore(snapshot)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(await verifyWith(verifier, { sid: 'lost-phone', ...ago(10) })).to.equal('token_revoked')
      expect(await verifyWith(verifier, { sid: 'promoted', ...ago(10) })).to.equal('token_stale')
      expect(await verifyWith(verifier, { sid: 'lost-phone' }), 'which came back since').to.equal(null)
      await verifier.ready()
      issuer.isDown = false
      await pass(MINUTE)
      expect(verifier.status().revocations).to.include({ by: 'stream', isStale: false, remembered: 2 })
      expect(verifier.status().keys.age).to.be.below(MINUTE)
    })

    it('has keys confirmed as soon as the issuer can be asked, and asks for all of the set', async () => {
      const snapshot = await aSnapshot()
      line.answer(paths.jwks, fail)
      const verifier = await aVerifier()
      await verifier.restore(snapshot)
      await pass(10)
      expect(verifier.status().keys.age).to.equal(15)
      line.answer(paths.jwks)
      await pass(MINUTE)
      expect(verifier.status().keys.age).to.be.below(MINUTE)
      expect(line.sentTo(paths.jwks).at(-1)?.headers.get('if-none-match')).to.equal(null)
    })

    it('counts as stale from its horizon on', async () => {
      const snapshot = await aSnapshot()
      await pass(20)
      issuer.isDown = true
      const verifier = await aVerifier({ onStale: 'reject' })
      await verifier.restore(snapshot)
      expect(verifier.status().revocations).to.include({ staleness: 20, isStale: false, by: 'nothing' })
      expect(await verifyWith(verifier)).to.equal(null)
      await pass(11)
      expect(verifier.status().revocations).to.include({ staleness: 31, isStale: true })
      expect(await verifyWith(verifier)).to.equal('revocations_unknown')
    })

    it('has no keys that are older than keepKeysFor', async () => {
      const snapshot = await aSnapshot()
      issuer.isDown = true
      await pass(HOUR + 1)
      const strict = await aVerifier({ keepKeysFor: HOUR, follow: 'on-demand' })
      await strict.restore(snapshot)
      expect(await verifyWith(strict)).to.equal('issuer_unreachable')
      const usual = await aVerifier({ follow: 'on-demand' })
      await usual.restore(snapshot)
      expect(await verifyWith(usual)).to.equal(null)
      await pass(DAY - HOUR)
      expect(await verifyWith(usual)).to.equal('issuer_unreachable')
    })

    it('has its entries forgotten when their time is over', async () => {
      const snapshot = await aSnapshot()
      await pass(10 * MINUTE)
      const verifier = await aVerifier()
      await verifier.restore(snapshot)
      await pass(10)
      expect(verifier.status().revocations).to.include({ remembered: 0 })
    })

    it('may be saved again, and is as old as it was', async () => {
      const snapshot = await aSnapshot()
      issuer.isDown = true
      await pass(20)
      const verifier = await aVerifier()
      await verifier.restore(snapshot)
      await pass(20)
      const other = await aVerifier()
      await other.restore(await verifier.snapshot())
      expect(other.status().keys.age).to.equal(45)
      expect(other.status().revocations).to.include({ staleness: 40, remembered: 2 })
      expect(await verifyWith(other, { sid: 'lost-phone', ...ago(50) })).to.equal('token_revoked')
    })

    it('tells those who keep something open', async () => {
      const snapshot = await aSnapshot()
      issuer.isDown = true
      const verifier = await aVerifier()
      const heard: string[] = []
      const token = { sid: 'lost-phone', ...ago(10) } as Parameters<Verifier['onEnd']>[0]
      verifier.onEnd(token, (reason) => void heard.push(reason))
      await verifier.restore(snapshot)
      await pass(0)
      expect(heard).to.deep.equal(['revoked'])
    })
  })

  describe('that is older than what is known', () => {
    it('does not replace keys, brings back no withdrawn one, and makes nothing stale', async () => {
      const snapshot = await aSnapshot()
      const token = await issuer.signTestToken()
      await issuer.rotateKey({ withdraw: true })
      const verifier = await aVerifier()
      const { kids } = verifier.status().keys
      await verifier.restore(snapshot)
      expect(verifier.status().keys).to.deep.equal({ kids, age: 0 })
      expect(verifier.status().revocations).to.include({ staleness: 0 })
      expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('does not replace keys that come while it is restored, nor has them confirmed by their ETag', async () => {
      const snapshot = await aSnapshot()
      const token = await issuer.signTestToken()
      await issuer.rotateKey({ withdraw: true })
      const [fetching, restoring, reached] = [0, 1, 2].map(() => Promise.withResolvers<void>())
      line.answer(paths.jwks, async (_, onward) => {
        await fetching?.promise
        return onward()
      })
      const verifier = await aVerifier()
      let isHeld = true
      const hold = async (format: unknown): Promise<void> => {
        if (format !== 'jwk' || !isHeld) return
        reached?.resolve()
        await restoring?.promise
      }
      await beforeCrypto('importKey', hold, async () => {
        const restored = verifier.restore(snapshot)
        await reached?.promise
        isHeld = false
        fetching?.resolve()
        await pass(0)
        restoring?.resolve()
        await restored
      })
      expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
      expect(await verifyWith(verifier)).to.equal(null)
      await pass(5 * MINUTE)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(await refusalOf(verifier.verify(token)), 'after it was confirmed once more').not.to.equal(null)
    })

    it('does not shorten what is known of a session', async () => {
      const snapshot = await aSnapshot()
      issuer.revoke('lost-phone')
      const verifier = await aVerifier()
      await verifier.restore(snapshot)
      expect(await verifyWith(verifier, { sid: 'lost-phone' })).to.equal('token_revoked')
    })
  })

  it('that is newer than what is known replaces it, and has it fetched anew', async () => {
    const old = await aVerifier({ follow: 'on-demand' })
    await old.ready()
    const token = await issuer.signTestToken()
    expect(await refusalOf(old.verify(token))).to.equal(null)
    await pass(10)
    await issuer.rotateKey({ withdraw: true })
    const other = await aVerifier()
    await other.ready()
    const snapshot = await other.snapshot()
    issuer.isDown = true
    await old.restore(snapshot)
    expect(await refusalOf(old.verify(token)), 'its key was withdrawn').to.equal('issuer_unreachable')
    expect(await verifyWith(old)).to.equal(null)
    issuer.isDown = false
    await pass(301)
    await verifyWith(old)
    expect(line.sentTo(paths.jwks).at(-1)?.headers.get('if-none-match'), 'of the set it has').to.equal(null)
  })

  describe('is not to be had', () => {
    it('before anything is known', async () => {
      issuer.isDown = true
      const verifier = await aVerifier()
      const error = await verifier.snapshot().catch((e: unknown) => e)
      expect(error).to.be.instanceOf(Refused).and.include({ code: 'issuer_unreachable' })
    })

    it('without a secret to seal it with', async () => {
      const { createVerifier } = await import('../../src/verifier/index.ts')
      const { clock, audience } = issuer
      const verifier = createVerifier({ issuer: issuer.issuer, audience, clock, fetch: line.fetch })
      await verifier.ready()
      expect(String(await verifier.snapshot().catch((e: unknown) => e))).to.include('snapshotSecret')
      expect(String(await verifier.restore('').catch((e: unknown) => e))).to.include('snapshotSecret')
    })
  })

  it('is of use where no feed is followed, too', async () => {
    const { createVerifier } = await import('../../src/verifier/index.ts')
    const { clock, audience } = issuer
    const options = { issuer: issuer.issuer, audience, clock, fetch: line.fetch, snapshotSecret: SECRET }
    const verifier = createVerifier(options)
    await verifier.ready()
    const snapshot = await verifier.snapshot()
    issuer.isDown = true
    const other = createVerifier(options)
    await other.restore(snapshot)
    await pass(1)
    expect(await verifyWith(other)).to.equal(null)
    const follower = await aVerifier({ snapshotSecret: SECRET })
    await follower.restore(snapshot)
    expect(follower.status().revocations, 'of which it says nothing').to.include({ staleness: Infinity })
  })

  it('is sealed with the API key where nothing else is said, and by any key where the secret is', async () => {
    const one = { apiKey: { id: 'one', key: '1'.repeat(43) } }
    const two = { apiKey: { id: 'two', key: '2'.repeat(43) } }
    const snapshot = await aSnapshot(one)
    issuer.isDown = true
    await (await aVerifier({ apiKey: { ...one.apiKey, id: 'renamed' } })).restore(snapshot)
    expect(await (await aVerifier(two)).restore(snapshot).catch((e: unknown) => e)).to.be.instanceOf(Error)
    issuer.isDown = false
    const shared = await aSnapshot({ ...one, snapshotSecret: SECRET })
    await (await aVerifier({ ...two, snapshotSecret: SECRET })).restore(shared)
  })

  it('has no secret in it', async () => {
    const snapshot = await aSnapshot({ apiKey: { id: 'api', key: SECRET } })
    const text = snapshot.split('.').map((part) => new TextDecoder().decode(base64url.decode(part)))
    expect(text.join()).not.to.include(SECRET)
    expect(JSON.parse(text[1] ?? '')).to.have.all.keys('issuer', 'keys', 'revocations', 'horizon')
  })

  describe('is refused, and nothing of it believed, when', () => {
    const KEY = { apiKey: { id: 'api', key: SECRET } }

    async function expectRefused(sealed: string): Promise<void> {
      issuer.isDown = true
      const verifier = await aVerifier(KEY)
      const error = await verifier.restore(sealed).catch((e: unknown) => e)
      expect(error).to.be.instanceOf(Error)
      expect(String(error)).to.include('snapshot')
      expect(verifier.status().keys).to.deep.equal({ kids: [], age: Infinity })
      expect(verifier.status().revocations).to.include({ remembered: 0, staleness: Infinity })
      expect(await verifyWith(verifier)).to.equal('issuer_unreachable')
    }

    /** The key that seals, as nobody else can have it: the header alone is forged here. */
    async function sealingKey(): Promise<Uint8Array> {
      const utf8 = new TextEncoder()
      const material = await crypto.subtle.importKey('raw', utf8.encode(SECRET), 'HKDF', false, ['deriveBits'])
      const info = utf8.encode('hallpass snapshot')
      const derivation = { name: 'HKDF', hash: 'SHA-256', salt: utf8.encode(issuer.issuer), info }
      return new Uint8Array(await crypto.subtle.deriveBits(derivation, material, 256))
    }

    it('one character of it is another', async () => {
      const snapshot = await aSnapshot(KEY)
      for (const at of [5, snapshot.indexOf('.') + 20, snapshot.length - 20]) {
        const character = snapshot[at] === 'A' ? 'B' : 'A'
        await expectRefused(snapshot.slice(0, at) + character + snapshot.slice(at + 1))
      }
    })

    it('its payload was changed', async () => {
      const [header, payload = '', signature] = (await aSnapshot(KEY)).split('.')
      const text = new TextDecoder().decode(base64url.decode(payload)).replace('lost-phone', 'lost-phony')
      await expectRefused([header, base64url.encode(text), signature].join('.'))
    })

    it('it was sealed with another secret', async () => {
      await expectRefused(await aSnapshot({ apiKey: { id: 'api', key: `${SECRET}!` } }))
    })

    it('it is of another issuer', async () => {
      const other = await createTestIssuer({ issuer: 'https://other.example', clock: issuer.clock })
      const verifier = other.createVerifier(KEY)
      await verifier.ready()
      await expectRefused(await verifier.snapshot())
      const sealed = await sealSnapshot(await openSnapshot(await verifier.snapshot(), SECRET, other.issuer), SECRET)
      expect(await openSnapshot(sealed, SECRET, issuer.issuer).catch((e: unknown) => e)).to.be.instanceOf(Error)
    })

    it('it is something else that was sealed with that key', async () => {
      const [, payload = ''] = (await aSnapshot(KEY)).split('.')
      const key = await sealingKey()
      const seal = (header: { alg: string; typ?: string }): Promise<string> =>
        new CompactSign(base64url.decode(payload)).setProtectedHeader(header).sign(key)
      await expectRefused(await seal({ alg: 'HS256' }))
      await expectRefused(await seal({ alg: 'HS256', typ: 'JWT' }))
      await expectRefused(await seal({ alg: 'HS256', typ: 'at+jwt' }))
      const verifier = await aVerifier(KEY)
      await verifier.restore(await seal({ alg: 'HS256', typ: 'hallpass-snapshot+jws' }))
      expect(await verifyWith(verifier), 'which is the proof that the others were made well').to.equal(null)
    })

    it('it is of another algorithm, or of none', async () => {
      const [, payload = ''] = (await aSnapshot(KEY)).split('.')
      const { privateKey } = await generateKeyPair('ES256')
      const signed = new CompactSign(base64url.decode(payload)).setProtectedHeader({
        alg: 'ES256',
        typ: 'hallpass-snapshot+jws',
      })
      await expectRefused(await signed.sign(privateKey))
      await expectRefused(new UnsecuredJWT({ issuer: issuer.issuer }).encode())
      const unsigned = base64url.encode('{"alg":"none","typ":"hallpass-snapshot+jws"}')
      await expectRefused(`${unsigned}.${payload}.`)
    })

    it('it is of another form', async () => {
      const { payload, ...rest } = await new FlattenedSign(new TextEncoder().encode('{}'))
        .setProtectedHeader({ alg: 'HS256', typ: 'hallpass-snapshot+jws' })
        .sign(await sealingKey())
      await expectRefused(JSON.stringify({ payload, ...rest }))
      for (const text of ['[]', 'null', '{', '']) {
        const sealed = await new CompactSign(new TextEncoder().encode(text))
          .setProtectedHeader({ alg: 'HS256', typ: 'hallpass-snapshot+jws' })
          .sign(await sealingKey())
        await expectRefused(sealed)
      }
    })

    it('it is garbage', async () => {
      for (const garbage of ['', 'garbage', '..', 'a.b.c', '{}', 'x'.repeat(100_000), await issuer.signTestToken()])
        await expectRefused(garbage)
    })
  })
})
