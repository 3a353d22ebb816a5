import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import {
  createVerifier,
  requireScope,
  type OnStale,
  type Verifier,
  type VerifierOptions,
} from '../../src/verifier/index.ts'
import { createStaleness, type Staleness } from '../../src/verifier/staleness.ts'
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer } from '../../src/verifier/testing/index.ts'
import { eventually } from '../support/revocation-feed.ts'
import { aVerifierOn, createLine, createStream, fail, hang, type Line, refusalOf } from './line.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 0, 1)

describe('Staleness', () => {
  let clock: TestClock
  let staleness: Staleness
  beforeEach(() => {
    clock = createTestClock(START)
    staleness = createStaleness(clock)
  })

  /** What the issuer's clock shows, with its difference to ours; seconds. */
  const theirs = (difference = 0): number => START + clock.monotonic() + difference * 1000

  it('is endless before anything was heard', async () => {
    expect(staleness.seconds).to.equal(Infinity)
    staleness.moved(theirs())
    expect(staleness.seconds).to.equal(Infinity)
    await clock.advance(HOUR)
    expect(staleness.seconds).to.equal(Infinity)
  })

  it('counts from when we asked, not from when the answer came', async () => {
    const askedAt = clock.monotonic()
    await clock.advance(3)
    staleness.answered(askedAt, theirs())
    expect(staleness.seconds).to.equal(3)
    await clock.advance(4)
    expect(staleness.seconds).to.equal(7)
  })

  it('never grows by an answer that was long on its way', async () => {
    const early = clock.monotonic()
    await clock.advance(5)
    staleness.answered(clock.monotonic(), theirs())
    staleness.answered(early, theirs())
    expect(staleness.seconds).to.equal(0)
  })

  for (const difference of [0, 5 * HOUR, -5 * HOUR]) {
    describe(`where the issuer’s clock differs by ${difference / HOUR} hours`, () => {
      beforeEach(() => staleness.answered(clock.monotonic(), theirs(difference)))

      it('is none as long as the horizon moves with the time', async () => {
        for (let count = 0; count < 20; count += 1) {
          await clock.advance(5)
          expect(staleness.seconds).to.equal(5)
          staleness.moved(theirs(difference))
          expect(staleness.seconds).to.equal(0)
        }
      })

      it('is what the horizon lags behind', async () => {
        await clock.advance(MINUTE)
        staleness.moved(theirs(difference - 20))
        expect(staleness.seconds).to.equal(20)
        staleness.moved(theirs(difference - 40))
        expect(staleness.seconds, 'which does not go back').to.equal(20)
        staleness.moved(theirs(difference))
        expect(staleness.seconds).to.equal(0)
      })

      it('is never less than none, however far a horizon leaps; from there it counts anew', async () => {
        await clock.advance(5)
        staleness.moved(theirs(difference + HOUR))
        expect(staleness.seconds).to.equal(0)
        await clock.advance(5)
        staleness.moved(theirs(difference + HOUR))
        expect(staleness.seconds).to.equal(0)
        await clock.advance(MINUTE)
        staleness.moved(theirs(difference + HOUR - 30))
        expect(staleness.seconds).to.equal(30)
      })
    })
  }

  it('does not change when our clock is set', () => {
    staleness.answered(clock.monotonic(), theirs())
    for (const hours of [5, -10]) {
      clock.step(hours * HOUR)
      expect(staleness.seconds).to.equal(0)
      staleness.moved(theirs())
      expect(staleness.seconds).to.equal(0)
    }
  })

  it('is not ended by an answer that was given before: that is a cache on the way', async () => {
    const horizon = theirs()
    staleness.answered(clock.monotonic(), horizon)
    await clock.advance(MINUTE)
    staleness.answered(clock.monotonic(), horizon)
    expect(staleness.seconds).to.equal(MINUTE)
    staleness.answered(clock.monotonic(), theirs())
    expect(staleness.seconds).to.equal(0)
  })

  it('counts from the horizon that was saved, by the two clocks, for what was saved', async () => {
    staleness.restored(theirs(-40))
    expect(staleness.seconds).to.equal(40)
    staleness.restored(theirs(-90))
    expect(staleness.seconds, 'newer knowledge stays').to.equal(40)
    staleness.restored(theirs(HOUR))
    expect(staleness.seconds, 'nothing is known of the future').to.equal(0)
  })
})

describe('While nobody knows what was revoked lately', () => {
  let issuer: TestIssuer
  let line: Line
  let failures: unknown[]
  beforeEach(async () => {
    issuer = await createTestIssuer({ clock: createTestClock(START) })
    line = createLine(issuer)
    failures = []
  })

  const pass = (seconds: number): Promise<void> => issuer.clock.advance(seconds)
  const asked = (path: string): number => line.sentTo(path).length

  const aVerifier = (options: Partial<VerifierOptions> = {}): Promise<Verifier> =>
    aVerifierOn(line, issuer, failures, options)

  const isStale = (verifier: Verifier): boolean | undefined => verifier.status().revocations?.isStale
  const verifyWith = async (verifier: Verifier, onStale?: OnStale): Promise<string | null> =>
    refusalOf(verifier.verify(await issuer.signTestToken(), onStale === undefined ? {} : { onStale }))

  describe('a verifier', () => {
    const POLICIES: { onStale?: OnStale; code: string | null }[] = [
      { code: null },
      { onStale: 'accept', code: null },
      { onStale: 'reject', code: 'revocations_unknown' },
      { onStale: 'introspect', code: 'revocations_unknown' },
    ]
    for (const { onStale, code } of POLICIES) {
      const options = onStale === undefined ? {} : { onStale }
      it(`that is told ${onStale ?? 'nothing'} ${code === null ? 'accepts' : 'refuses'} what is good otherwise`, async () => {
        const verifier = await aVerifier(options)
        issuer.isDown = true
        await pass(29)
        expect(isStale(verifier)).to.equal(false)
        expect(await verifyWith(verifier)).to.equal(null)
        await pass(2)
        expect(isStale(verifier)).to.equal(true)
        expect(await verifyWith(verifier)).to.equal(code)
        issuer.isDown = false
        await pass(31)
        expect(isStale(verifier)).to.equal(false)
        expect(await verifyWith(verifier)).to.equal(null)
      })

      it(`that is told so for one route (${onStale ?? 'nothing'}) does so there and nowhere else`, async () => {
        const [lenient, strict] = [await aVerifier(), await aVerifier({ onStale: 'reject' })]
        issuer.isDown = true
        await pass(31)
        expect(await verifyWith(lenient, onStale)).to.equal(code)
        expect(await verifyWith(lenient)).to.equal(null)
        expect(await verifyWith(strict, onStale)).to.equal(onStale === undefined ? 'revocations_unknown' : code)
        expect(await verifyWith(strict)).to.equal('revocations_unknown')
      })
    }

    it('decides after as many seconds as maxStaleness says', async () => {
      const verifier = await aVerifier({ maxStaleness: 300, onStale: 'reject' })
      issuer.isDown = true
      await pass(299)
      expect(await verifyWith(verifier)).to.equal(null)
      await pass(2)
      expect(await verifyWith(verifier)).to.equal('revocations_unknown')
    })

    it('says 503, and nothing against the token', async () => {
      const verifier = await aVerifier({ onStale: 'reject' })
      issuer.isDown = true
      await pass(31)
      const answer = verifier.answer(
        await verifier.verify(await issuer.signTestToken()).catch((error: unknown) => error),
      )
      expect(answer.status).to.equal(503)
      expect(answer.headers).to.have.property('retry-after', '5')
      expect(answer.headers).not.to.have.property('www-authenticate')
      expect(JSON.parse(answer.body)).to.include({ code: 'temporarily_unavailable' })
    })

    it('still refuses what it knows to be revoked, whatever it is told', async () => {
      const verifier = await aVerifier()
      const token = await issuer.signTestToken()
      issuer.revoke('session-1')
      await pass(0)
      issuer.isDown = true
      await pass(MINUTE)
      for (const onStale of ['accept', 'introspect'] as const) {
        const code = onStale === 'accept' ? 'token_revoked' : 'revocations_unknown'
        expect(await refusalOf(verifier.verify(token, { onStale }))).to.equal(code)
      }
    })

    it('that follows no feed accepts, and cannot be told anything else', async () => {
      const { issuer: url, audience } = issuer
      const verifier = createVerifier({ issuer: url, audience, clock: issuer.clock, fetch: line.fetch })
      expect(verifier.status().revocations).to.equal(null)
      expect(await verifyWith(verifier)).to.equal(null)
      for (const onStale of ['reject', 'introspect'] as const) {
        const error = await verifier.verify(await issuer.signTestToken(), { onStale }).catch((e: unknown) => e)
        expect(error).to.be.instanceOf(TypeError)
        expect(String(error)).to.include('apiKey')
      }
    })
  })

  describe('before anything was heard,', () => {
    it('a token is accepted where nothing else is said, and nobody waits', async () => {
      line.answer(paths.revocations, hang)
      const verifier = await aVerifier()
      expect(await verifyWith(verifier)).to.equal(null)
      expect(verifier.status().revocations).to.include({ staleness: Infinity, isStale: true, by: 'nothing' })
    })

    it('the feed is asked before a token is refused, once for all of them', async () => {
      issuer.revoke('session-2')
      line.answer(paths.revocations, (init, onward) =>
        new Headers(init.headers).get('accept') === 'text/event-stream' ? hang(init, onward) : onward(),
      )
      const verifier = issuer.createVerifier({ fetch: line.fetch, onStale: 'reject' })
      const tokens = await Promise.all(
        Array.from({ length: 50 }, (_, number) => issuer.signTestToken({ sid: `session-${number}` })),
      )
      const codes = await Promise.all(tokens.map((token) => refusalOf(verifier.verify(token))))
      expect(codes).to.deep.equal(tokens.map((_, number) => (number === 2 ? 'token_revoked' : null)))
      expect(asked(paths.revocations), 'the stream and one more').to.equal(2)
    })

    it('ready() says so, while keys are known', async () => {
      line.answer(paths.revocations, fail)
      const verifier = await aVerifier()
      expect(await refusalOf(verifier.ready())).to.equal('revocations_unknown')
      line.answer(paths.revocations)
      await pass(6)
      expect(await refusalOf(verifier.ready())).to.equal(null)
      expect(isStale(verifier)).to.equal(false)
    })
  })

  describe('the feed is asked once more before a token is refused', () => {
    it('so that a verifier that waits to follow again is not stale for nothing', async () => {
      const verifier = await aVerifier({ onStale: 'reject' })
      issuer.isDown = true
      await pass(5 * MINUTE)
      issuer.revoke('session-1')
      issuer.isDown = false
      const streams = asked(paths.revocations)
      expect(await verifyWith(verifier)).to.equal('token_revoked')
      expect(asked(paths.revocations)).to.equal(streams + 1)
      expect(isStale(verifier)).to.equal(false)
    })

    it('but not for each of them, while it does not answer', async () => {
      const verifier = await aVerifier({ onStale: 'reject' })
      line.answer(paths.revocations, hang)
      issuer.isDown = true // breaks the stream off
      await pass(MINUTE)
      const polls = () =>
        line.sentTo(paths.revocations).filter(({ headers }) => headers.get('accept') !== 'text/event-stream')
      const before = polls().length
      const told = failures.length
      const crowd = Promise.all(Array.from({ length: 50 }, () => verifyWith(verifier)))
      await eventually(() => polls().length > before)
      await pass(2)
      expect(new Set(await crowd)).to.deep.equal(new Set(['revocations_unknown']))
      expect(await verifyWith(verifier), 'who comes next does not wait').to.equal('revocations_unknown')
      expect(polls()).to.have.length(before + 1)
      expect(failures.length - told, 'told once').to.be.within(1, 2)
      line.answer(paths.revocations)
      issuer.isDown = false
      await pass(5)
      expect(await verifyWith(verifier)).to.equal(null)
    })
  })

  describe('the issuer can be asked about the token itself', () => {
    const staleVerifier = async (options: Partial<VerifierOptions> = {}): Promise<Verifier> => {
      const verifier = await aVerifier({ onStale: 'introspect', ...options })
      line.answer(paths.revocations, fail)
      issuer.isDown = true // breaks the stream off
      issuer.isDown = false
      await pass(MINUTE)
      return verifier
    }

    it('which says that it is in force', async () => {
      const verifier = await staleVerifier()
      expect(isStale(verifier)).to.equal(true)
      expect(await verifyWith(verifier)).to.equal(null)
    })

    it('or that it is not', async () => {
      const verifier = await staleVerifier()
      const token = await issuer.signTestToken()
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      issuer.revoke('session-1')
      expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
    })

    it('each time, in the body of the request, with the key', async () => {
      const bodies: unknown[] = []
      const verifier = await staleVerifier()
      line.answer(paths.introspect, (init, onward) => {
        bodies.push(init.body)
        return onward()
      })
      const token = await issuer.signTestToken()
      await verifier.verify(token)
      await verifier.verify(token)
      expect(bodies.map(String)).to.deep.equal([`token=${token}`, `token=${token}`])
      expect(line.sentTo(paths.introspect)[0]?.headers.get('authorization')).to.match(/^Basic /)
    })

    it('and is not, where nothing is stale, or the token is bad anyway', async () => {
      const verifier = await aVerifier({ onStale: 'introspect' })
      expect(await verifyWith(verifier)).to.equal(null)
      const stale = await staleVerifier()
      expect(await refusalOf(stale.verify('garbage'))).to.equal('token_malformed')
      expect(asked(paths.introspect)).to.equal(0)
    })

    it('but what the verifier knows itself still counts, and so do guards', async () => {
      const verifier = await aVerifier({ onStale: 'introspect' })
      const token = await issuer.signTestToken()
      issuer.markStale('session-1')
      await pass(0)
      line.answer(paths.revocations, fail)
      issuer.isDown = true
      issuer.isDown = false
      await pass(MINUTE)
      line.answer(paths.introspect, () => Response.json({ active: true }))
      expect(await refusalOf(verifier.verify(token))).to.equal('token_stale')
      const other = await issuer.signTestToken({ sid: 'session-2' })
      const guards = [requireScope('admin')]
      expect(await refusalOf(verifier.verify(other, { guards }))).to.equal('insufficient_scope')
    })

    const ANSWERS: Record<string, () => Response | Promise<Response>> = {
      'cannot be reached': () => Promise.reject(new TypeError('fetch failed')),
      'refuses the key': () => Response.json({ active: true }, { status: 403 }),
      'is not well': () => Response.json({ active: true }, { status: 500 }),
      'leads elsewhere': () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
      'answers with a page': () => new Response('<!doctype html>'),
      'answers without end': () => new Response(new Uint8Array(1_000_000).fill(0x20)),
    }
    for (const [name, answer] of Object.entries(ANSWERS)) {
      it(`which is 503 where it ${name}`, async () => {
        const verifier = await staleVerifier()
        const told = failures.length
        line.answer(paths.introspect, answer)
        expect(await verifyWith(verifier)).to.equal('revocations_unknown')
        expect(failures.length).to.be.above(told)
      })
    }

    for (const body of [{}, { active: 'true' }, { active: 1 }, { active: null }]) {
      it(`which is no yes when it says ${JSON.stringify(body)}`, async () => {
        const verifier = await staleVerifier()
        line.answer(paths.introspect, () => Response.json(body))
        expect(await verifyWith(verifier)).to.equal('token_revoked')
      })
    }
  })

  it('it is no news that a cache on the way repeats what it was told once', async () => {
    const verifier = await aVerifier({ follow: 'poll' })
    let cached: Promise<string> | undefined
    line.answer(paths.revocations, async (_, onward) => {
      cached ??= onward().then((answer) => answer.text())
      return new Response(await cached)
    })
    await pass(25)
    expect(isStale(verifier)).to.equal(false)
    await pass(15)
    expect(isStale(verifier)).to.equal(true)
    line.answer(paths.revocations)
    await pass(6)
    expect(isStale(verifier)).to.equal(false)
  })
})

describe('A clock that is wrong', () => {
  let issuer: TestIssuer
  let line: Line
  beforeEach(async () => {
    issuer = await createTestIssuer({ clock: createTestClock(START) })
    line = createLine(issuer)
  })

  const pass = (seconds: number): Promise<void> => issuer.clock.advance(seconds)

  /** Whose wall clock is not the issuer's; seconds, positive when it is ahead. */
  async function aVerifierOff(seconds: number, options: Partial<VerifierOptions> = {}) {
    let off = seconds
    const { clock: right } = issuer
    const clock = { ...right, now: () => right.now() + off * 1000 }
    const verifier = issuer.createVerifier({ fetch: line.fetch, clock, ...options })
    await pass(0)
    return { verifier, set: (to: number) => void (off = to) }
  }

  const remembered = (verifier: Verifier): number | undefined => verifier.status().revocations?.remembered

  for (const hours of [5, -5]) {
    const how = hours > 0 ? 'ahead' : 'behind'
    it(`(${how} by hours) does not make the feed stale, nor the keys old`, async () => {
      const { verifier, set } = await aVerifierOff(0)
      set(hours * HOUR)
      await pass(4 * MINUTE)
      expect(verifier.status().revocations).to.include({ by: 'stream', isStale: false })
      expect(verifier.status().keys.age).to.be.below(300)
      expect(line.sentTo(paths.revocations)).to.have.length(1)
      expect(await refusalOf(verifier.verify(await issuer.signTestToken()))).to.be.oneOf([
        'token_expired',
        'token_not_yet_valid',
      ])
      set(0)
      expect(await refusalOf(verifier.verify(await issuer.signTestToken()))).to.equal(null)
    })

    it(`(${how} by hours) is no reason to forget what was revoked before its time, nor to keep it for ever`, async () => {
      const { verifier, set } = await aVerifierOff(hours * HOUR)
      const token = await issuer.signTestToken({ sid: 'lost-phone' })
      issuer.revoke('lost-phone')
      await pass(MINUTE)
      set(0)
      expect(await refusalOf(verifier.verify(token)), 'once it is set right').to.equal('token_revoked')
      await pass(6 * MINUTE)
      expect(remembered(verifier)).to.equal(0)
    })
  }

  it('is no reason to let a token pass that is young by it alone', async () => {
    const { verifier, set } = await aVerifierOff(0)
    const token = await issuer.signTestToken({ sid: 'lost-phone' })
    issuer.revoke('lost-phone')
    await pass(4 * MINUTE)
    set(-10 * MINUTE)
    await pass(10 * MINUTE)
    expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
    await pass(3 * MINUTE)
    expect(remembered(verifier), 'by then it is old by any clock').to.equal(0)
    expect(await refusalOf(verifier.verify(token))).to.equal('token_expired')
  })

  it('of the issuer is no reason to forget, either', async () => {
    const stream = createStream()
    line.answer(paths.revocations, stream.reply)
    const { verifier } = await aVerifierOff(0)
    const at = (seconds: number): string => new Date(issuer.clock.now() + seconds * 1000).toISOString()
    const entry = { sid: 'session-1', kind: 'revoked', issued_until: at(0), until: at(360) }
    stream.send(`event: revocation\ndata: ${JSON.stringify(entry)}\n\n`)
    for (const ahead of [0, 10 * HOUR, 0]) {
      stream.send(`event: horizon\nid: 1\ndata: ${JSON.stringify({ horizon: at(ahead) })}\n\n`)
      await pass(1)
    }
    const token = await issuer.signTestToken({ iat: Math.floor(START / 1000) })
    expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
  })

  for (const seconds of [8, -8]) {
    it(`by ${seconds} s, which is within the tolerance, changes nothing`, async () => {
      const { verifier } = await aVerifierOff(seconds)
      const token = await issuer.signTestToken({ sid: 'lost-phone' })
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      issuer.revoke('lost-phone')
      await pass(0)
      expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
      await pass(1)
      expect(await refusalOf(verifier.verify(await issuer.signTestToken({ sid: 'lost-phone' })))).to.equal(null)
      for (let passed = 1; passed < 400; passed += 20) {
        await pass(20)
        expect(await refusalOf(verifier.verify(token)), `after ${passed} s`).to.be.oneOf([
          'token_revoked',
          'token_expired',
        ])
      }
      expect(await refusalOf(verifier.verify(token))).to.equal('token_expired')
    })
  }

  it('by more than the tolerance has tokens refused, as too young or too old', async () => {
    const token = await issuer.signTestToken({ exp: Math.floor(START / 1000) + 5 })
    for (const [seconds, code] of [
      [-10, null],
      [-11, 'token_not_yet_valid'],
      [14, null],
      [15, 'token_expired'],
    ] as const) {
      const { verifier } = await aVerifierOff(seconds)
      expect(await refusalOf(verifier.verify(token)), `${seconds} s`).to.equal(code)
    }
  })

  describe('is not what makes a feed late:', () => {
    /** A stream whose horizons are so far from our clock. */
    async function aStream() {
      const stream = createStream()
      line.answer(paths.revocations, stream.reply)
      const { verifier } = await aVerifierOff(0)
      const tell = async (difference: number): Promise<void> => {
        const horizon = new Date(issuer.clock.now() + difference * 1000).toISOString()
        stream.send(`event: horizon\nid: 1\ndata: ${JSON.stringify({ horizon })}\n\n`)
        await pass(0)
      }
      return { verifier, tell }
    }
    const streams = (): number => line.sentTo(paths.revocations).length

    for (const difference of [3 * HOUR, -3 * HOUR]) {
      it(`horizons that always differ by ${difference / HOUR} hours are on time`, async () => {
        const { verifier, tell } = await aStream()
        for (let count = 0; count < 20; count += 1) {
          await tell(difference)
          expect(verifier.status().revocations).to.include({ staleness: 0, isStale: false })
          await pass(5)
        }
        expect(streams()).to.equal(1)
      })
    }

    it('horizons that lag more and more are noticed, and another stream begun', async () => {
      const { verifier, tell } = await aStream()
      await tell(0)
      for (const lag of [3, 6, 9, 12]) {
        await pass(5)
        await tell(-lag)
        expect(verifier.status().revocations?.staleness).to.equal(lag)
      }
      expect(streams()).to.equal(1)
      await pass(5)
      await tell(-16)
      await pass(0.2)
      expect(streams()).to.equal(2)
    })

    it('a clock of the issuer that is set back costs one stream, no more', async () => {
      const { verifier, tell } = await aStream()
      for (const difference of [0, -HOUR, -HOUR, -HOUR, -HOUR]) {
        await tell(difference)
        await pass(5)
      }
      expect(streams()).to.equal(2)
      for (let count = 0; count < 5; count += 1) {
        await tell(-HOUR)
        await pass(5)
      }
      expect(streams()).to.equal(2)
      expect(verifier.status().revocations).to.include({ by: 'stream', isStale: false })
    })
  })
})
