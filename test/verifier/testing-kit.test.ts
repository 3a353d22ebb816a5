/** The kit as the authors of an API use it. */
import { expect } from 'chai'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createVerifier, Refused, type EndReason, type Verifier, type VerifierOptions } from 'hallpass/verifier'
import { createTestClock, createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'

const KEYS = '/.well-known/jwks.json'
const FEED = '/v1/revocations'
const INTROSPECTION = '/oauth/introspect'

describe('The test kit', () => {
  let issuer: TestIssuer
  const open: Verifier[] = []
  beforeEach(async () => (issuer = await createTestIssuer()))
  afterEach(() => {
    for (const verifier of open.splice(0)) verifier.close()
  })

  function follow(options: Partial<VerifierOptions> = {}, of = issuer): Verifier {
    const verifier = of.createVerifier(options)
    open.push(verifier)
    return verifier
  }

  /** `good`, or why not. */
  const judge = (verifier: Verifier, token: string, options = {}): Promise<string> =>
    verifier.verify(token, options).then(
      () => 'good',
      (error: unknown) => (error instanceof Refused ? error.code : String(error)),
    )

  const seconds = (): number => Math.floor(issuer.clock.now() / 1000)

  describe('signs tokens', () => {
    it('as the service makes them, for a person of whom nothing special is known', async () => {
      const token = await issuer.signTestToken()
      expect(decodeProtectedHeader(token)).to.deep.equal({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' })
      expect(decodeJwt(token)).to.deep.equal({
        iss: 'https://id.example',
        sub: 'user-1',
        aud: 'https://api.example',
        client_id: 'default',
        iat: seconds(),
        exp: seconds() + 300,
        jti: 'token-1',
        sid: 'session-1',
        auth_time: seconds(),
        amr: ['pwd'],
        scope: '',
      })
      expect(await judge(follow(), token)).to.equal('good')
    })

    it('each with a jti of its own', async () => {
      const tokens = await Promise.all([1, 2, 3].map(() => issuer.signTestToken()))
      expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).to.equal(3)
    })

    it('with claims of one’s own, and others in place of the usual ones', async () => {
      const claims = { sub: 'user-7', scope: 'orders:read', amr: ['key'], plan: 'pro', roles: ['editor'] }
      expect(await follow().verify(await issuer.signTestToken(claims))).to.deep.include(claims)
    })

    it('without those that are undefined', async () => {
      const token = await issuer.signTestToken({ sid: undefined, scope: undefined })
      expect(decodeJwt(token)).not.to.have.any.keys('sid', 'scope')
      expect(await judge(follow(), token)).to.equal('token_claims')
      expect(await judge(follow(), await issuer.signTestToken({ exp: undefined }))).to.equal('token_claims')
    })

    it('that have to be refused: whatever is wrong with a claim', async () => {
      const verifier = follow()
      for (const [claims, code] of [
        [{ iss: 'https://evil.example' }, 'token_issuer'],
        [{ aud: 'https://other.example' }, 'token_audience'],
        [{ exp: seconds() - 11 }, 'token_expired'],
        [{ iat: seconds() + 11 }, 'token_not_yet_valid'],
        [{ scope: ['orders'] }, 'token_claims'],
        [{ auth_time: 'yesterday' }, 'token_claims'],
      ] as const) {
        expect(await judge(verifier, await issuer.signTestToken(claims)), JSON.stringify(claims)).to.equal(code)
      }
    })

    it('that have to be refused: whatever is wrong with the header', async () => {
      const verifier = follow()
      for (const [header, code] of [
        [{ typ: 'JWT' }, 'token_type'],
        [{ typ: undefined }, 'token_type'],
        [{ kid: 'another' }, 'key_unknown'],
        [{ kid: undefined }, 'key_unknown'],
      ] as const) {
        expect(await judge(verifier, await issuer.signTestToken({}, header)), JSON.stringify(header)).to.equal(code)
      }
    })

    it('that another issuer’s verifier refuses', async () => {
      const other = await createTestIssuer()
      expect(await judge(follow({}, other), await issuer.signTestToken())).to.equal('signature_invalid')
    })
  })

  describe('is an issuer', () => {
    for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
      it(`that signs with ${alg}, before and after a rotation`, async () => {
        const one = await createTestIssuer({ alg })
        const verifier = follow({}, one)
        const before = await one.signTestToken()
        expect(decodeProtectedHeader(before).alg).to.equal(alg)
        expect(await judge(verifier, before)).to.equal('good')
        await one.rotateKey()
        const after = await one.signTestToken()
        expect(decodeProtectedHeader(after)).to.include({ alg }).and.not.to.have.property('kid', 'key-1')
        expect([await judge(verifier, after), await judge(verifier, before)]).to.deep.equal(['good', 'good'])
      })
    }

    it('with a name, an audience and a clock of one’s own', async () => {
      const clock = createTestClock(Date.UTC(2031, 0, 1))
      const own = await createTestIssuer({ issuer: 'https://id.example/tenants/a', audience: 'orders', clock })
      expect(own).to.include({ issuer: 'https://id.example/tenants/a', audience: 'orders', clock })
      const token = await own.signTestToken()
      expect(decodeJwt(token)).to.include({ iss: own.issuer, aud: 'orders', iat: Date.UTC(2031, 0, 1) / 1000 })
      const verifier = follow({}, own)
      await verifier.ready()
      expect(await judge(verifier, token)).to.equal('good')
      own.revoke('session-1')
      await clock.advance(0)
      expect(await judge(verifier, token)).to.equal('token_revoked')
    })

    it('of verifiers with options of one’s own', async () => {
      const verifier = follow({ audience: ['https://other.example', 'https://api.example'], realm: 'orders' })
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('good')
      const answer = verifier.answer(await verifier.verify(null).catch((error: unknown) => error))
      expect(answer.headers['www-authenticate']).to.equal('Bearer realm="orders"')
    })

    it('for a verifier that the API makes by itself', async () => {
      const { issuer: name, audience, clock, fetch } = issuer
      const verifier = createVerifier({ issuer: name, audience, clock, fetch })
      open.push(verifier)
      const token = await issuer.signTestToken()
      expect(await judge(verifier, token)).to.equal('good')
      issuer.revoke('session-1')
      await clock.advance(0)
      expect(await judge(verifier, token), 'without a key it hears of nothing').to.equal('good')
      expect(verifier.status().revocations).to.equal(null)
    })
  })

  describe('ends sessions', () => {
    it('for whoever follows, at once, and no others', async () => {
      const verifier = follow()
      await verifier.ready()
      const [mine, other] = [await issuer.signTestToken({ sid: 'mine' }), await issuer.signTestToken({ sid: 'other' })]
      issuer.revoke('mine')
      await issuer.clock.advance(0)
      expect(await judge(verifier, mine)).to.equal('token_revoked')
      expect(await judge(verifier, other)).to.equal('good')
    })

    it('as far as their tokens were made before: the next second’s are good', async () => {
      const verifier = follow()
      await verifier.ready()
      issuer.revoke('session-1')
      await issuer.clock.advance(0)
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('token_revoked')
      await issuer.clock.advance(1)
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('good')
    })

    it('and tells what is kept open', async () => {
      const verifier = follow()
      const token = await verifier.verify(await issuer.signTestToken())
      const told: EndReason[] = []
      verifier.onEnd(token, (reason) => void told.push(reason))
      await issuer.clock.advance(0)
      issuer.revoke('session-1')
      await issuer.clock.advance(0)
      expect(told).to.deep.equal(['revoked'])
    })

    it('for a verifier that is made later, as long as some token could be of it', async () => {
      const token = await issuer.signTestToken({ exp: seconds() + 3600 })
      issuer.revoke('session-1')
      const soon = follow()
      await soon.ready()
      expect(await judge(soon, token)).to.equal('token_revoked')
      expect(soon.status().revocations?.remembered).to.equal(1)
      await issuer.clock.advance(361)
      const late = follow()
      await late.ready()
      expect(late.status().revocations?.remembered).to.equal(0)
    })

    it('or says that what their tokens say is outdated', async () => {
      const verifier = follow()
      await verifier.ready()
      const token = await issuer.signTestToken()
      issuer.markStale('session-1')
      await issuer.clock.advance(0)
      expect(await judge(verifier, token)).to.equal('token_stale')
      await issuer.clock.advance(1)
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('good')
    })

    it('however they are followed', async () => {
      const polling = follow({ follow: 'poll' })
      const asking = follow({ follow: 'on-demand' })
      await Promise.all([polling.ready(), asking.ready()])
      const token = await issuer.signTestToken()
      issuer.revoke('session-1')
      await issuer.clock.advance(6) // the longest that a poll of five seconds waits, at most 10 % more
      expect(await judge(polling, token)).to.equal('token_revoked')
      expect(await judge(asking, token)).to.equal('token_revoked')
      expect([polling, asking].map((each) => each.status().revocations?.by)).to.deep.equal(['poll', 'on-demand'])
    })
  })

  describe('changes keys', () => {
    it('and publishes the one before still', async () => {
      const verifier = follow()
      await verifier.ready()
      const before = await issuer.signTestToken()
      await issuer.rotateKey()
      await issuer.clock.advance(0)
      expect(verifier.status().keys.kids).to.have.lengthOf(2)
      expect(await judge(verifier, before)).to.equal('good')
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('good')
    })

    it('and withdraws the one before: its tokens are refused within moments, also those seen before', async () => {
      const verifier = follow()
      await verifier.ready()
      const before = await issuer.signTestToken()
      expect(await judge(verifier, before)).to.equal('good')
      await issuer.rotateKey({ withdraw: true })
      await issuer.clock.advance(0)
      expect(verifier.status().keys.kids).to.have.lengthOf(1)
      expect(await judge(verifier, before)).to.equal('key_unknown')
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('good')
    })

    it('and has whoever does not follow find the new one by its kid', async () => {
      const { issuer: name, audience, clock, fetch } = issuer
      const verifier = createVerifier({ issuer: name, audience, clock, fetch })
      open.push(verifier)
      await verifier.ready()
      await issuer.rotateKey()
      expect(await judge(verifier, await issuer.signTestToken())).to.equal('good')
    })
  })

  describe('is down', () => {
    it('so that nobody is answered, and streams break off', async () => {
      const verifier = follow()
      await verifier.ready()
      await issuer.clock.advance(0)
      expect(verifier.status().revocations).to.include({ by: 'stream', isStale: false })
      issuer.isDown = true
      await issuer.clock.advance(31)
      expect(verifier.status().revocations).to.include({ by: 'nothing', isStale: true })
      const token = await issuer.signTestToken()
      expect(await judge(verifier, token)).to.equal('good')
      expect(await judge(verifier, token, { onStale: 'reject' })).to.equal('revocations_unknown')
      expect(await judge(follow(), token)).to.equal('issuer_unreachable')
    })

    it('and comes back with what happened meanwhile', async () => {
      const verifier = follow()
      await verifier.ready()
      const token = await issuer.signTestToken()
      issuer.isDown = true
      issuer.revoke('session-1')
      await issuer.clock.advance(60)
      expect(await judge(verifier, token)).to.equal('good')
      issuer.isDown = false
      expect(issuer.isDown).to.equal(false)
      await issuer.clock.advance(31) // the longest wait between two attempts
      expect(await judge(verifier, token)).to.equal('token_revoked')
      expect(verifier.status().revocations).to.include({ by: 'stream', isStale: false })
    })

    it('so that onFailure hears of it', async () => {
      const failures: unknown[] = []
      issuer.isDown = true
      const verifier = follow({ onFailure: (error) => failures.push(error) })
      await verifier.ready().catch(() => undefined)
      await issuer.clock.advance(0)
      expect(failures).not.to.be.empty
      expect(String(failures[0])).to.match(/cannot be reached/)
    })
  })

  describe('shows what was asked for', () => {
    it('by path, the oldest first', async () => {
      const verifier = follow()
      await verifier.ready()
      await issuer.clock.advance(0)
      expect(issuer.requests).to.include.members([KEYS, FEED])
      const before = issuer.requests.length
      for (let request = 0; request < 100; request += 1) await verifier.verify(await issuer.signTestToken())
      expect(issuer.requests.slice(before), 'a request costs none').to.be.empty
    })

    it('down to the question about a single token', async () => {
      const verifier = follow({ onStale: 'introspect', maxStaleness: 1 })
      const token = await issuer.signTestToken()
      await verifier.ready()
      expect(issuer.requests).not.to.include(INTROSPECTION)
      const feedIsLost = createVerifier({
        issuer: issuer.issuer,
        audience: issuer.audience,
        apiKey: { id: 'api', key: 'a key of the test issuer, for nothing else' },
        clock: issuer.clock,
        onStale: 'introspect',
        fetch: (url, init) =>
          url.includes(FEED) ? Promise.reject(new TypeError('fetch failed')) : issuer.fetch(url, init),
      })
      open.push(feedIsLost)
      expect(await judge(feedIsLost, token)).to.equal('good')
      expect(issuer.requests.at(-1)).to.equal(INTROSPECTION)
      issuer.revoke('session-1')
      expect(await judge(feedIsLost, token)).to.equal('token_revoked')
    })
  })

  describe('turns the clock', () => {
    it('which stands still by itself', async () => {
      const before = issuer.clock.now()
      await new Promise((resolve) => setTimeout(resolve))
      expect(issuer.clock.now()).to.equal(before)
    })

    it('so that tokens expire, with the tolerance for clocks that differ', async () => {
      const verifier = follow()
      const token = await issuer.signTestToken()
      await issuer.clock.advance(309)
      expect(await judge(verifier, token)).to.equal('good')
      await issuer.clock.advance(2)
      expect(await judge(verifier, token)).to.equal('token_expired')
    })

    it('forward with all that waits for it, in its order', async () => {
      const clock = createTestClock(0)
      const happened: string[] = []
      clock.after(2_000, () => happened.push(`two at ${clock.now()}`))
      clock.after(1_000, () => {
        happened.push(`one at ${clock.now()}`)
        clock.after(500, () => happened.push(`one and a half at ${clock.now()}`))
      })
      const cancel = clock.after(1_500, () => happened.push('never'))
      clock.after(3_001, () => happened.push('later'))
      cancel()
      await clock.advance(3)
      expect(happened).to.deep.equal(['one at 1000', 'one and a half at 1500', 'two at 2000'])
      expect(clock.now()).to.equal(3_000)
      await clock.advance(0.001)
      expect(happened.at(-1)).to.equal('later')
    })

    it('and sets it, as an administrator does, so that nothing else moves', async () => {
      const clock = createTestClock(0)
      let isDone = false
      clock.after(1_000, () => (isDone = true))
      clock.step(3600)
      expect([clock.now(), clock.monotonic(), isDone]).to.deep.equal([3_600_000, 0, false])
      clock.step(-7200)
      expect(clock.now()).to.equal(-3_600_000)
      await clock.advance(1)
      expect([clock.now(), clock.monotonic(), isDone]).to.deep.equal([-3_599_000, 1_000, true])
    })

    it('for a day, and the test does not wait for it', async () => {
      const verifier = follow()
      await verifier.ready()
      verifier.close()
      await issuer.clock.advance(86_400)
      expect(await judge(follow(), await issuer.signTestToken())).to.equal('good')
    })
  })
})
