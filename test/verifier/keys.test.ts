import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import { createVerifier, Refused, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { createTestClock, createTestIssuer, type TestIssuer } from '../../src/verifier/testing/index.ts'
import { createLine, fail, hang, refusalOf, type Line, type Reply } from './line.ts'
import { beforeCrypto } from './webcrypto.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('The keys that a verifier checks with', () => {
  let issuer: TestIssuer
  let line: Line
  let failures: unknown[]

  beforeEach(async () => {
    issuer = await createTestIssuer({ clock: createTestClock(Date.UTC(2026, 0, 1)) })
    line = createLine(issuer)
    failures = []
  })

  const settingsOf = ({ issuer: url, audience, clock }: TestIssuer) => ({ issuer: url, audience, clock })

  /** Without a feed, so that whatever becomes known of keys is known by asking for them. */
  function aVerifier(options: Partial<VerifierOptions> = {}): Verifier {
    const told = failures
    return createVerifier({
      ...settingsOf(issuer),
      fetch: line.fetch,
      onFailure: (error) => void told.push(error),
      ...options,
    })
  }

  const aReadyVerifier = async (options: Partial<VerifierOptions> = {}): Promise<Verifier> => {
    const verifier = aVerifier(options)
    await verifier.ready()
    return verifier
  }

  const fetches = (): number => line.sentTo(paths.jwks).length
  const pass = (seconds: number): Promise<void> => issuer.clock.advance(seconds)
  const verifyWith = async (verifier: Verifier): Promise<string | null> =>
    refusalOf(verifier.verify(await issuer.signTestToken()))

  /** As the issuer answers, but for these headers. */
  const withHeaders =
    (headers: Record<string, string>): Reply =>
    async (_, onward) => {
      const answer = await onward()
      return new Response(answer.body, {
        status: answer.status,
        headers: { ...Object.fromEntries(answer.headers), ...headers },
      })
    }

  describe('are fetched', () => {
    it('at the start, before anybody asks', async () => {
      const verifier = aVerifier()
      await pass(0)
      expect(fetches()).to.equal(1)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(fetches()).to.equal(1)
    })

    it('once for fifty first tokens at the same time', async () => {
      const gate = Promise.withResolvers<void>()
      line.answer(paths.jwks, async (_, onward) => {
        await gate.promise
        return onward()
      })
      const verifier = aVerifier()
      const tokens = await Promise.all(Array.from({ length: 50 }, () => issuer.signTestToken()))
      const verified = tokens.map((token) => refusalOf(verifier.verify(token)))
      await pass(0)
      gate.resolve()
      expect(await Promise.all(verified)).to.deep.equal(tokens.map(() => null))
      expect(fetches()).to.equal(1)
    })

    for (const { says, after } of [
      { says: 'max-age=100', after: 80 },
      { says: 'public, max-age=600, stale-if-error=60', after: 480 },
      { says: 'no-cache', after: 240 },
      { says: 'max-age=1', after: 8 },
      { says: 's-maxage=5', after: 240 },
      { says: 'max-age=31536000', after: 0.8 * DAY },
      { says: 'max-age=99999999999', after: 0.8 * DAY },
    ]) {
      it(`anew in the background after ${after} s where the answer says "${says}"`, async () => {
        line.answer(paths.jwks, withHeaders({ 'cache-control': says }))
        await aReadyVerifier()
        await pass(after - 1)
        expect(fetches()).to.equal(1)
        await pass(2)
        expect(fetches()).to.equal(2)
      })
    }

    it('anew well before they are too old to be used, where that is sooner', async () => {
      const verifier = await aReadyVerifier({ keepKeysFor: 100 })
      await pass(79)
      expect(fetches()).to.equal(1)
      await pass(2)
      expect(fetches()).to.equal(2)
      expect(verifier.status().keys.age).to.be.below(2)
    })

    it('anew after 240 s where the answer says nothing', async () => {
      line.answer(paths.jwks, async (_, onward) => new Response((await onward()).body))
      await aReadyVerifier()
      await pass(239)
      expect(fetches()).to.equal(1)
      await pass(2)
      expect(fetches()).to.equal(2)
    })

    it('past every cache on the way, and without the API key', async () => {
      await aReadyVerifier({ apiKey: { id: 'api', key: 'a key that is for the feed and nothing else' } })
      const [first] = line.sentTo(paths.jwks)
      expect(first?.headers.get('cache-control')).to.equal('no-cache')
      expect(first?.headers.get('authorization')).to.equal(null)
    })

    it('no more after the verifier was closed', async () => {
      const verifier = await aReadyVerifier()
      verifier.close()
      await pass(HOUR)
      expect(fetches()).to.equal(1)
    })
  })

  describe('cost nobody time who holds a token of a known one', () => {
    it('while the issuer hangs', async () => {
      const verifier = await aReadyVerifier()
      line.answer(paths.jwks, hang)
      await pass(241)
      expect(fetches()).to.equal(2)
      expect(await verifyWith(verifier), 'while the first attempt is under way').to.equal(null)
      await pass(MINUTE * 10)
      expect(fetches()).to.be.above(5)
      expect(await verifyWith(verifier), 'long after they should have been confirmed').to.equal(null)
    })

    it('nor one who holds a token of an unknown one, more than a fetch takes to fail', async () => {
      const verifier = await aReadyVerifier()
      line.answer(paths.jwks, hang)
      const refused = refusalOf(verifier.verify(await issuer.signTestToken({}, { kid: 'strange' })))
      await pass(5)
      expect(await refused).to.equal('issuer_unreachable')
    })
  })

  describe('of a kid that is not known', () => {
    it('are looked for: a new key is found that way', async () => {
      const verifier = await aReadyVerifier()
      await issuer.rotateKey()
      expect(await verifyWith(verifier)).to.equal(null)
      expect(fetches()).to.equal(2)
    })

    it('are found for fifty tokens at the same time by one fetch', async () => {
      const verifier = await aReadyVerifier()
      await issuer.rotateKey()
      const tokens = await Promise.all(Array.from({ length: 50 }, () => issuer.signTestToken()))
      const codes = await Promise.all(tokens.map((token) => refusalOf(verifier.verify(token))))
      expect(codes).to.deep.equal(tokens.map(() => null))
      expect(fetches()).to.equal(2)
    })

    it('are looked for once in 30 s, however many such tokens come', async () => {
      const verifier = await aReadyVerifier()
      const stranger = async (number: number): Promise<void> => {
        const token = await issuer.signTestToken({}, { kid: `strange-${number}` })
        expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
      }
      await Promise.all(Array.from({ length: 100 }, (_, number) => stranger(number)))
      await pass(29)
      await stranger(100)
      expect(fetches()).to.equal(2)
      await pass(1)
      await issuer.rotateKey()
      expect(await verifyWith(verifier), 'a new key, half a minute later').to.equal(null)
      expect(fetches()).to.equal(3)
    })

    it('are looked for although a fetch in the background was a moment ago', async () => {
      const verifier = await aReadyVerifier()
      await pass(241)
      expect(fetches()).to.equal(2)
      await issuer.rotateKey()
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('are looked for once more where the fetch under way was answered before they were there', async () => {
      const verifier = await aReadyVerifier()
      const gate = Promise.withResolvers<void>()
      line.answer(paths.jwks, async (_, onward) => {
        const answer = await onward()
        await gate.promise
        return answer
      })
      await pass(241)
      line.answer(paths.jwks)
      await issuer.rotateKey()
      const tokens = await Promise.all(Array.from({ length: 10 }, () => issuer.signTestToken()))
      const verified = tokens.map((token) => refusalOf(verifier.verify(token)))
      await pass(0)
      gate.resolve()
      expect(await Promise.all(verified)).to.deep.equal(tokens.map(() => null))
      expect(fetches()).to.equal(3)
    })

    it('cost no fetch where the token is not of this issuer at all', async () => {
      const verifier = await aReadyVerifier()
      const token = await issuer.signTestToken({ iss: 'https://other.example' }, { kid: 'strange' })
      expect(await refusalOf(verifier.verify(token))).to.equal('token_issuer')
      expect(fetches()).to.equal(1)
    })

    it('may exist where the issuer cannot be asked: 503, not 401', async () => {
      const verifier = await aReadyVerifier()
      line.answer(paths.jwks, fail)
      const error = await verifier.verify(await issuer.signTestToken({}, { kid: 'strange' })).catch((e: unknown) => e)
      expect(error).to.be.instanceOf(Refused).and.include({ code: 'issuer_unreachable', status: 503 })
    })

    it('do not lose their turn to an attempt that was not made', async () => {
      const verifier = await aReadyVerifier({ follow: 'on-demand', apiKey: { id: 'api', key: 'k'.repeat(43) } })
      line.answer(paths.jwks, fail)
      await issuer.rotateKey()
      expect(await verifyWith(verifier)).to.equal('issuer_unreachable')
      await pass(31)
      line.answer(paths.jwks, () => new Response(null, { status: 503, headers: { 'retry-after': '60' } }))
      expect(await verifyWith(verifier), 'answered: in a minute').to.equal('issuer_unreachable')
      await pass(59)
      const before = fetches()
      expect(await verifyWith(verifier), 'before the minute is over').to.equal('issuer_unreachable')
      expect(fetches()).to.equal(before)
      line.answer(paths.jwks)
      await pass(1)
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('are asked for anew where whoever asked was cut off', async () => {
      const verifier = await aReadyVerifier({ follow: 'on-demand' })
      line.answer(paths.jwks, () => new Promise(() => undefined))
      await issuer.rotateKey()
      void verifyWith(verifier)
      await pass(0)
      line.answer(paths.jwks)
      expect(await verifyWith(verifier), 'nobody can tell yet').to.equal('issuer_unreachable')
      await pass(10)
      expect(await verifyWith(verifier)).to.equal(null)
    })
  })

  describe('in an outage', () => {
    it('are kept for keepKeysFor; then it is 503, until the issuer is back', async () => {
      const verifier = await aReadyVerifier({ keepKeysFor: HOUR })
      issuer.isDown = true
      await pass(HOUR - MINUTE)
      const token = await issuer.signTestToken()
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      await pass(2 * MINUTE)
      const answer = verifier.answer(
        await verifier.verify(await issuer.signTestToken()).catch((error: unknown) => error),
      )
      expect(answer).to.include({ status: 503 })
      expect(JSON.parse(answer.body)).to.include({ code: 'temporarily_unavailable' })
      expect(answer.headers['retry-after']).to.match(/^[1-9]\d?$/)
      expect(answer.headers).not.to.have.property('www-authenticate')
      expect(await refusalOf(verifier.verify(token)), 'a token that was seen before').to.equal('issuer_unreachable')
      issuer.isDown = false
      await pass(MINUTE)
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('are kept for a day where nothing else is said', async () => {
      const verifier = await aReadyVerifier({ follow: 'on-demand', apiKey: { id: 'api', key: 'k'.repeat(43) } })
      issuer.isDown = true
      await pass(DAY - 1)
      expect(await verifyWith(verifier)).to.equal(null)
      await pass(2)
      expect(await verifyWith(verifier)).to.equal('issuer_unreachable')
    })

    it('are asked for with growing waits, a minute at most', async () => {
      await aReadyVerifier()
      issuer.isDown = true
      await pass(HOUR)
      const times = line.sentTo(paths.jwks).map(({ at }) => at)
      const waits = times.slice(2).map((at, index) => at - (times[index + 1] ?? 0))
      expect(waits.length).to.be.within(60, 120)
      for (const [index, wait] of waits.entries()) {
        expect(wait, `wait ${index}`).to.be.within(
          Math.min(2 ** index, 60) / 2 - 0.001,
          Math.min(2 ** index, 60) + 0.001,
        )
      }
      expect(failures).to.have.length(waits.length + 1)
    })

    it('are not asked for in step by a fleet', async () => {
      const lines = [line, createLine(issuer), createLine(issuer)]
      for (const each of lines) await aReadyVerifier({ fetch: each.fetch })
      issuer.isDown = true
      await pass(5 * MINUTE)
      const [one, two, three] = lines.map((each) => each.sentTo(paths.jwks)[4]?.at)
      expect(new Set([one, two, three])).to.have.property('size', 3)
    })

    for (const status of [429, 503]) {
      it(`are not asked for sooner than a ${status} with Retry-After says`, async () => {
        await aReadyVerifier()
        line.answer(paths.jwks, () => new Response(null, { status, headers: { 'retry-after': '120' } }))
        await pass(240)
        expect(fetches()).to.equal(2)
        await pass(119)
        expect(fetches()).to.equal(2)
        await pass(2)
        expect(fetches()).to.equal(3)
      })
    }

    it('are asked for all the same where Retry-After is absurd', async () => {
      for (const absurd of ['99999999', '1e12', '-5', 'soon', '']) {
        const own = createLine(issuer)
        own.answer(paths.jwks, () => new Response(null, { status: 503, headers: { 'retry-after': absurd } }))
        aVerifier({ fetch: own.fetch })
        await pass(10 * MINUTE)
        expect(own.sentTo(paths.jwks).length, absurd).to.be.within(2, 40)
      }
    })

    it('are asked for again where nothing runs in the background, by those who come, of whom nobody waits', async () => {
      const verifier = await aReadyVerifier({ follow: 'on-demand', apiKey: { id: 'api', key: 'k'.repeat(43) } })
      line.answer(paths.jwks, fail)
      await pass(301)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(fetches()).to.equal(2)
      line.answer(paths.jwks, hang)
      await pass(MINUTE)
      expect(await verifyWith(verifier), 'although it hangs').to.equal(null)
      expect(fetches()).to.equal(3)
      await pass(5)
      line.answer(paths.jwks)
      await pass(MINUTE)
      await verifyWith(verifier)
      await pass(0)
      expect(verifier.status().keys.age).to.equal(0)
    })
  })

  describe('that have not changed', () => {
    it('are confirmed by a 304, which says how long they are good from now on', async () => {
      const verifier = await aReadyVerifier({ keepKeysFor: 10 * MINUTE })
      line.answer(paths.jwks, withHeaders({ 'cache-control': 'max-age=100' }))
      await pass(240)
      const [first, second] = line.sentTo(paths.jwks)
      expect(first?.headers.get('if-none-match')).to.equal(null)
      expect(second?.headers.get('if-none-match')).to.match(/^"[^"]+"$/)
      expect(verifier.status().keys.age).to.equal(0)
      await pass(79)
      expect(fetches()).to.equal(2)
      await pass(2)
      expect(fetches()).to.equal(3)
      await pass(HOUR)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(failures).to.be.empty
    })

    it('are so also where something on the way compresses and makes the ETag a weak one', async () => {
      line.answer(paths.jwks, async (_, onward) => {
        const answer = await onward()
        const headers = new Headers(answer.headers)
        headers.set('etag', `W/${headers.get('etag')}`)
        return new Response(answer.body, { status: answer.status, headers })
      })
      const verifier = await aReadyVerifier()
      line.answer(paths.jwks)
      await pass(240)
      expect(line.sentTo(paths.jwks)[1]?.headers.get('if-none-match')).to.match(/^"[^"]+"$/)
      expect(verifier.status().keys.age).to.equal(0)
    })

    it('are not what a 304 means that nobody asked for', async () => {
      line.answer(paths.jwks, () => new Response(null, { status: 304 }))
      const verifier = aVerifier()
      expect(await verifyWith(verifier)).to.equal('issuer_unreachable')
    })
  })

  describe('stay as they are when the answer is', () => {
    const json = (value: unknown): Response => Response.json(value)
    const usable = async (): Promise<JWK> => exportJWK((await generateKeyPair('ES256')).publicKey)

    const ANSWERS: Record<string, () => Response | Promise<Response>> = {
      'a redirect': () => new Response(null, { status: 302, headers: { location: 'https://evil.example/jwks' } }),
      'a 500': () => new Response('{"keys":[]}', { status: 500 }),
      'a 404': () => new Response(null, { status: 404 }),
      'a page of HTML': () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }),
      'nothing at all': () => new Response(''),
      'half of it': () => new Response('{"keys":[{"kid":"key-1","kty":"EC","crv":"P-256"'),
      'no object': () => json([]),
      'an empty set': () => json({ keys: [] }),
      'a set that is none': () => json({ keys: 'none' }),
      'a set of somebody else’s things': () => json({ keys: [null, 1, 'a', [], {}] }),
      'a set without a kid': async () => json({ keys: [{ ...(await usable()), alg: 'ES256' }] }),
      'a set of keys to encrypt with': async () => json({ keys: [{ ...(await usable()), kid: 'a', use: 'enc' }] }),
      'a set of keys of another algorithm': async () =>
        json({ keys: [{ ...(await usable()), kid: 'a', alg: 'RS256' }] }),
      'a set of secrets': () => json({ keys: [{ kty: 'oct', kid: 'a', alg: 'HS256', k: 'AAAA' }] }),
      'a set of points that are on no curve': () =>
        json({ keys: [{ kty: 'EC', crv: 'P-256', kid: 'a', x: 'AAAA', y: 'AAAA' }] }),
    }

    for (const [name, reply] of Object.entries(ANSWERS)) {
      it(name, async () => {
        const verifier = await aReadyVerifier()
        const { kids } = verifier.status().keys
        line.answer(paths.jwks, reply)
        await pass(240)
        expect(failures, 'told of it').to.have.length(1)
        expect(verifier.status().keys).to.deep.equal({ kids, age: 240 })
        expect(await verifyWith(verifier)).to.equal(null)
        line.answer(paths.jwks)
        await pass(1)
        expect(verifier.status().keys.age, 'and asked again soon').to.be.below(1)
      })
    }

    it('a hundred megabytes long, of which no more is read than a set of keys could have', async () => {
      const verifier = await aReadyVerifier()
      let read = 0
      const endless = (): Response =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              read += 16_384
              if (read > 100_000_000) controller.close()
              else controller.enqueue(new Uint8Array(16_384).fill(0x20))
            },
          }),
        )
      line.answer(paths.jwks, endless)
      await pass(240)
      expect(failures).to.have.length(1)
      expect(read).to.be.below(200_000)
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('one that hangs in the middle', async () => {
      const verifier = await aReadyVerifier()
      line.answer(paths.jwks, ({ signal }) => {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('{"keys":['))
            signal?.addEventListener('abort', () => controller.error(new TypeError('given up')))
          },
        })
        return new Response(body)
      })
      await pass(244)
      expect(failures).to.be.empty
      await pass(1)
      expect(failures).to.have.length(1)
      expect(await verifyWith(verifier)).to.equal(null)
      line.answer(paths.jwks)
      await pass(1)
      expect(verifier.status().keys.age).to.be.below(1)
    })
  })

  it('are taken from among others that are of no use to it', async () => {
    line.answer(paths.jwks, async (_, onward) => {
      const { keys } = (await (await onward()).json()) as { keys: JWK[] }
      return Response.json({ keys: [null, { kty: 'oct', kid: 'x', k: 'AA' }, ...keys, { ...keys[0], kid: 7 }] })
    })
    const verifier = await aReadyVerifier()
    expect(verifier.status().keys.kids).to.deep.equal(['key-1'])
    expect(await verifyWith(verifier)).to.equal(null)
  })

  describe('that were withdrawn', () => {
    it('have the tokens refused that were seen before, once the set is read', async () => {
      const verifier = await aReadyVerifier()
      const token = await issuer.signTestToken({ exp: Math.floor(issuer.clock.now() / 1000) + HOUR })
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      await issuer.rotateKey({ withdraw: true })
      expect(await refusalOf(verifier.verify(token)), 'nobody has told yet').to.equal(null)
      await pass(240)
      expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('are so too when another has come under the same kid', async () => {
      const verifier = await aReadyVerifier()
      const token = await issuer.signTestToken({ exp: Math.floor(issuer.clock.now() / 1000) + HOUR })
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      const { publicKey } = await generateKeyPair('ES256')
      const other = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256' }
      line.answer(paths.jwks, () => Response.json({ keys: [other] }))
      await pass(240)
      expect(await refusalOf(verifier.verify(token))).to.equal('signature_invalid')
    })

    it('leave no token behind whose check was under way', async () => {
      const verifier = await aReadyVerifier()
      const token = await issuer.signTestToken({ exp: Math.floor(issuer.clock.now() / 1000) + HOUR })
      await pass(239)
      await issuer.rotateKey({ withdraw: true })
      const gate = Promise.withResolvers<void>()
      const hold = (): Promise<void> => gate.promise
      await beforeCrypto('verify', hold, async () => {
        const verified = refusalOf(verifier.verify(token))
        await pass(2)
        gate.resolve()
        expect(await verified, 'it began while the key was good').to.equal(null)
      })
      expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
    })
  })

  describe('when the feed says that they have changed', () => {
    const keyWord = { apiKey: { id: 'api', key: 'a key of the test issuer, for nothing else' } }

    it('are fetched at once', async () => {
      const verifier = await aReadyVerifier(keyWord)
      await pass(0)
      const token = await issuer.signTestToken()
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      await issuer.rotateKey({ withdraw: true })
      await pass(0)
      expect(fetches()).to.equal(2)
      expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
    })

    it('are fetched once for each change', async () => {
      await aReadyVerifier(keyWord)
      await pass(0)
      await issuer.rotateKey()
      await pass(2 * MINUTE)
      expect(fetches()).to.equal(2)
    })

    it('are fetched once for each change also where a proxy drops their ETag', async () => {
      line.answer(paths.jwks, async (_, onward) => Response.json(await (await onward()).json()))
      await aReadyVerifier(keyWord)
      await pass(0)
      const before = fetches()
      await issuer.rotateKey({ withdraw: true })
      await pass(0)
      expect(fetches()).to.equal(before + 1)
      await pass(MINUTE)
      expect(fetches()).to.equal(before + 1)
    })

    it('are left in peace while the issuer does not answer for them', async () => {
      await aReadyVerifier(keyWord)
      await pass(0)
      line.answer(paths.jwks, fail)
      await issuer.rotateKey()
      await pass(5 * MINUTE)
      expect(fetches(), 'as often as in any outage').to.be.within(7, 18)
      line.answer(paths.jwks)
      await pass(MINUTE)
      const last = fetches()
      await pass(MINUTE)
      expect(fetches()).to.equal(last)
    })
  })

  describe('make a verifier ready', () => {
    it('or not: ready() says issuer_unreachable, and the verifier goes on trying', async () => {
      issuer.isDown = true
      const verifier = aVerifier()
      expect(await refusalOf(verifier.ready())).to.equal('issuer_unreachable')
      expect(verifier.status().keys).to.deep.equal({ kids: [], age: Infinity })
      expect(await verifyWith(verifier)).to.equal('issuer_unreachable')
      issuer.isDown = false
      await pass(1)
      expect(await refusalOf(verifier.ready())).to.equal(null)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(fetches()).to.equal(2)
    })

    it('at once where they are known', async () => {
      const verifier = await aReadyVerifier()
      line.answer(paths.jwks, hang)
      await verifier.ready()
      expect(fetches()).to.equal(1)
    })
  })

  it('go on being fetched where whoever is told of failures fails', async () => {
    issuer.isDown = true
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => void thrown.push(error))
    try {
      const onFailure = (): void => {
        throw new Error('no log today')
      }
      const verifier = aVerifier({ onFailure, apiKey: { id: 'api', key: 'k'.repeat(43) } })
      await pass(1)
      issuer.isDown = false
      await pass(MINUTE)
      expect(await verifyWith(verifier)).to.equal(null)
      expect(verifier.status().revocations).to.include({ by: 'stream', isStale: false })
      expect(thrown, 'and nobody hides it').not.to.be.empty
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const each of others) process.on('uncaughtException', each)
    }
  })
})
