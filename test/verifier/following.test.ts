import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import type { AccessTokenClaims, EndReason, Verifier, VerifierOptions } from '../../src/verifier/index.ts'
import { createTestClock, createTestIssuer, type TestIssuer } from '../../src/verifier/testing/index.ts'
import { aVerifierOn, createLine, createStream, fail, type HandMadeStream, hang, type Line, refusalOf } from './line.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

describe('A verifier that follows the feed', () => {
  let issuer: TestIssuer
  let line: Line
  let failures: unknown[]

  beforeEach(async () => {
    issuer = await createTestIssuer({ clock: createTestClock(Date.UTC(2026, 0, 1)) })
    line = createLine(issuer)
    failures = []
  })

  const pass = (seconds: number): Promise<void> => issuer.clock.advance(seconds)
  const asked = () => line.sentTo(paths.revocations)
  const isStream = ({ headers }: { headers: Headers }): boolean => headers.get('accept') === 'text/event-stream'
  const streams = () => asked().filter(isStream)
  const polls = () => asked().filter((each) => !isStream(each))

  const aFollower = (options: Partial<VerifierOptions> = {}): Promise<Verifier> =>
    aVerifierOn(line, issuer, failures, options)

  const stateOf = (verifier: Verifier) => {
    const { revocations } = verifier.status()
    if (revocations === null) throw new Error('it follows no feed')
    return revocations
  }

  const verifyWith = async (verifier: Verifier, claims = {}): Promise<string | null> =>
    refusalOf(verifier.verify(await issuer.signTestToken(claims)))

  /** Seconds since 1970 by the issuer's clock, some of them ago. */
  const now = (ago = 0): number => Math.floor(issuer.clock.now() / 1000) - ago
  const instant = (secondsAgo = 0): string => new Date(now(secondsAgo) * 1000).toISOString()

  const entry = (sid: string, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    sid,
    kind: 'revoked',
    issued_until: instant(),
    until: instant(-6 * MINUTE),
    ...changes,
  })

  const write = (event: string, data: object, id = ''): string =>
    `event: ${event}\n${id === '' ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
  const revocation = (sid: string, changes = {}, id = ''): string => write('revocation', entry(sid, changes), id)
  const horizon = (id = '', more = {}): string =>
    write('horizon', { horizon: new Date(issuer.clock.now()).toISOString(), ...more }, id)

  /** In place of the issuer's own feed. */
  function byHand(contentType?: string): HandMadeStream {
    const stream = createStream(contentType)
    line.answer(paths.revocations, stream.reply)
    return stream
  }

  /** The seconds between one request and the next. */
  const waits = (sent: { at: number }[]): number[] => sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0))

  describe('by its stream', () => {
    it('opens one, with its key, past every cache', async () => {
      const verifier = await aFollower({ apiKey: { id: 'my-api', key: 'a key of the test issuer, for nothing else' } })
      const [request, ...more] = asked()
      expect(more).to.be.empty
      expect(request?.headers.get('accept')).to.equal('text/event-stream')
      expect(request?.headers.get('cache-control')).to.equal('no-cache')
      expect(request?.headers.get('last-event-id')).to.equal(null)
      expect(atob(request?.headers.get('authorization')?.slice('Basic '.length) ?? '')).to.equal(
        'my-api:a key of the test issuer, for nothing else',
      )
      expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false, remembered: 0 })
    })

    it('refuses the tokens of a session from the moment it is told of its end', async () => {
      const verifier = await aFollower()
      const token = await issuer.signTestToken({ sid: 'lost-phone' })
      expect(await refusalOf(verifier.verify(token))).to.equal(null)
      issuer.revoke('lost-phone')
      await pass(0)
      expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
      expect(await verifyWith(verifier, { sid: 'another' })).to.equal(null)
    })

    it('knows what was revoked before it began', async () => {
      issuer.revoke('lost-phone')
      const verifier = await aFollower()
      expect(await verifyWith(verifier, { sid: 'lost-phone' })).to.equal('token_revoked')
    })

    it('asks for nothing else, as long as the stream is alive', async () => {
      const verifier = await aFollower()
      await pass(10 * MINUTE)
      expect(asked()).to.have.length(1)
      expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false })
      expect(failures).to.be.empty
    })

    it('goes on where it broke off: nothing is missed', async () => {
      const verifier = await aFollower()
      issuer.revoke('before')
      await pass(5)
      issuer.isDown = true
      issuer.revoke('meanwhile')
      await pass(1)
      issuer.isDown = false
      await pass(2)
      expect(streams().at(-1)?.headers.get('last-event-id')).to.equal('1')
      for (const sid of ['before', 'meanwhile']) {
        expect(await verifyWith(verifier, { sid, iat: now(10) }), sid).to.equal('token_revoked')
      }
      expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false, remembered: 2 })
    })

    it('moves its cursor with a horizon only: single entries may be the half of what there was', async () => {
      const verifier = await aFollower()
      const cursorAfter = async (text: string): Promise<string | null> => {
        stream.send(text)
        await pass(0)
        stream.breakOff()
        await pass(1)
        return streams().at(-1)?.headers.get('last-event-id') ?? null
      }
      const stream = byHand()
      issuer.isDown = true // breaks off what it followed until now
      await pass(0.5)
      expect(await cursorAfter(horizon('first') + revocation('a', {}, 'second'))).to.equal('first')
      expect(await cursorAfter(revocation('b', {}, 'third') + horizon('third'))).to.equal('third')
      expect(await cursorAfter(horizon())).to.equal('third')
      for (const sid of ['a', 'b']) expect(await verifyWith(verifier, { sid, iat: now(100) })).to.equal('token_revoked')
    })

    it('comes again within a second, not at once, when the issuer stops and starts', async () => {
      const delays = []
      for (let round = 0; round < 5; round += 1) {
        const stream = byHand()
        const verifier = await aFollower()
        stream.send(horizon('1'))
        await pass(7)
        const before = asked().length
        const endedAt = issuer.clock.monotonic()
        stream.end()
        line.answer(paths.revocations)
        await pass(1)
        expect(asked()).to.have.length(before + 1)
        delays.push((asked().at(-1)?.at ?? 0) * 1000 - endedAt)
        expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false })
        verifier.close()
      }
      expect(new Set(delays).size, 'and a fleet not all at once').to.be.above(1)
      expect(failures, 'which is no failure').to.be.empty
    })

    it('comes again with growing waits, half a minute at most, while the issuer is away', async () => {
      await aFollower()
      issuer.isDown = true
      await pass(10 * MINUTE)
      const [, ...attempts] = waits(asked())
      expect(attempts.length).to.be.within(20, 50)
      for (const [index, wait] of attempts.entries()) {
        const most = Math.min(0.2 * 2 ** (index + 1), 30)
        expect(wait, `wait ${index}`).to.be.within(most / 2 - 0.001, most + 0.001)
      }
      expect(failures).not.to.be.empty
    })

    it('comes again at once however often a stream broke that had lasted', async () => {
      const verifier = await aFollower()
      for (let round = 0; round < 12; round += 1) {
        await pass(12)
        issuer.isDown = true
        issuer.isDown = false
        const before = asked().length
        await pass(0.5)
        expect(asked(), `round ${round}`).to.have.length(before + 1)
      }
      expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false })
    })

    it('does not hammer an issuer whose streams break as soon as they begin', async () => {
      const stream = byHand()
      await aFollower()
      for (let seconds = 0; seconds < MINUTE; seconds += 1) {
        stream.send(horizon('1'))
        await pass(0.5)
        stream.breakOff()
        await pass(0.5)
      }
      expect(asked().length).to.be.within(4, 15)
    })

    it('takes fifteen seconds of silence for a dead connection', async () => {
      const stream = byHand()
      const verifier = await aFollower()
      stream.send(horizon('1'))
      await pass(14)
      expect(asked()).to.have.length(1)
      await pass(1.5)
      expect(asked()).to.have.length(2)
      stream.send(horizon('2'))
      await pass(0)
      expect(stateOf(verifier).staleness).to.be.below(0.5)
    })

    it('takes for silence what has no news in it, however much is said', async () => {
      const stream = byHand()
      await aFollower()
      stream.send(horizon('1'))
      for (let seconds = 0; seconds < 20; seconds += 2) {
        stream.send(': something on the way keeps the connection alive\n\n')
        await pass(2)
      }
      expect(asked()).to.have.length(2)
    })

    it('waits for a long list that comes slowly', async () => {
      const stream = byHand()
      const verifier = await aFollower()
      for (let count = 0; count < 20; count += 1) {
        await pass(10)
        stream.send(revocation(`session-${count}`))
      }
      await pass(1)
      expect(asked()).to.have.length(1)
      expect(stateOf(verifier).remembered).to.equal(20)
    })

    it('does not begin before its Retry-After after a 503', async () => {
      line.answer(paths.revocations, () => new Response(null, { status: 503, headers: { 'retry-after': '60' } }))
      await aFollower()
      await pass(59)
      expect(asked()).to.have.length(1)
      line.answer(paths.revocations)
      await pass(2)
      expect(asked()).to.have.length(2)
    })

    for (const status of [401, 403]) {
      it(`says so when its key is refused (${status}), tries on with long waits, and leaves tokens to onStale`, async () => {
        line.answer(paths.revocations, () => new Response(null, { status }))
        const verifier = await aFollower()
        expect(failures).to.have.length(1)
        expect(failures[0]).to.include({ name: 'ServiceFailure', status })
        await pass(10 * MINUTE)
        expect(
          waits(asked())
            .slice(-5)
            .every((wait) => wait >= 15),
        ).to.equal(true)
        const token = await issuer.signTestToken()
        expect(await refusalOf(verifier.verify(token))).to.equal(null)
        expect(await refusalOf(verifier.verify(token, { onStale: 'reject' }))).to.equal('revocations_unknown')
        expect(stateOf(verifier)).to.include({ by: 'nothing', isStale: true, staleness: Infinity })
        expect(JSON.stringify(failures.map(String)), 'no secret in it').not.to.include('a key of the test issuer')
        line.answer(paths.revocations)
        await pass(MINUTE)
        expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false })
      })
    }

    it('asks for nothing any more when it is closed', async () => {
      const verifier = await aFollower()
      verifier.close()
      await pass(HOUR)
      expect(asked()).to.have.length(1)
      expect(failures).to.be.empty
    })

    it('nor when it is closed between two attempts', async () => {
      line.answer(paths.revocations, fail)
      const verifier = await aFollower()
      verifier.close()
      await pass(HOUR)
      expect(asked()).to.have.length(1)
    })
  })

  describe('where streams do not get through', () => {
    const expectFallback = async (verifier: Verifier): Promise<void> => {
      const before = polls().length
      await pass(MINUTE)
      expect(stateOf(verifier)).to.include({ by: 'poll', isStale: false })
      expect(polls().length - before).to.be.within(10, 14)
      issuer.revoke('lost-phone')
      await pass(6)
      expect(await verifyWith(verifier, { sid: 'lost-phone', iat: now(10) })).to.equal('token_revoked')
    }

    /** The issuer's own answers to polls, whatever becomes of streams. */
    const onlyStreams = (stream: HandMadeStream): void =>
      line.answer(paths.revocations, (init, onward) =>
        new Headers(init.headers).get('accept') === 'text/event-stream' ? stream.reply(init, onward) : onward(),
      )

    it('polls after two that brought nothing, as behind a proxy that collects answers', async () => {
      onlyStreams(createStream())
      const verifier = await aFollower()
      await pass(14)
      expect(asked()).to.have.length(1)
      await pass(17)
      expect(streams()).to.have.length(2)
      expect(polls()).to.have.length(1)
      await expectFallback(verifier)
    })

    it('polls after two of which not even the head came', async () => {
      onlyStreams({ ...createStream(), reply: hang })
      const verifier = await aFollower()
      await pass(31)
      expect(streams()).to.have.length(2)
      await expectFallback(verifier)
    })

    it('polls after two answers of another kind', async () => {
      onlyStreams(createStream('text/html'))
      const verifier = await aFollower()
      await pass(1)
      expect(streams()).to.have.length(2)
      await expectFallback(verifier)
    })

    it('polls after two that ended before they said anything', async () => {
      const stream = createStream()
      onlyStreams(stream)
      const verifier = await aFollower()
      for (let count = 0; count < 2; count += 1) {
        stream.end()
        await pass(0.5)
      }
      expect(streams()).to.have.length(2)
      await expectFallback(verifier)
    })

    it('tries to stream again after five minutes', async () => {
      onlyStreams(createStream('text/html'))
      const verifier = await aFollower()
      await pass(1)
      line.answer(paths.revocations)
      await pass(5 * MINUTE - 10)
      expect(streams()).to.have.length(2)
      await pass(20)
      expect(streams()).to.have.length(3)
      expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false })
      await pass(2 * MINUTE)
      expect(streams(), 'and stays with it').to.have.length(3)
    })

    it('does not poll because an issuer is away', async () => {
      issuer.isDown = true
      await aFollower()
      await pass(2 * MINUTE)
      expect(polls()).to.be.empty
    })

    it('does not poll because a stream that had spoken broke off or fell silent, however often', async () => {
      const stream = byHand()
      await aFollower()
      for (let round = 0; round < 5; round += 1) {
        stream.send(horizon('1'))
        await pass(6)
        stream.send(horizon('1'))
        await pass(round % 2 === 0 ? 16 : 0)
        stream.breakOff()
        await pass(1)
      }
      expect(polls()).to.be.empty
    })
  })

  describe("with follow: 'poll'", () => {
    it('asks every five seconds, not in step, and never for a stream', async () => {
      const verifier = await aFollower({ follow: 'poll' })
      await pass(5 * MINUTE)
      expect(streams()).to.be.empty
      expect(waits(polls()).every((wait) => wait >= 4.5 && wait <= 5.5)).to.equal(true)
      expect(new Set(waits(polls())).size).to.be.above(10)
      expect(stateOf(verifier)).to.include({ by: 'poll', isStale: false })
      issuer.revoke('lost-phone')
      await pass(5.5)
      expect(await verifyWith(verifier, { sid: 'lost-phone', iat: now(10) })).to.equal('token_revoked')
    })

    it('asks as often as pollInterval says, and only for what is new', async () => {
      const wanted: (string | null)[] = []
      const verifier = await aFollower({
        follow: 'poll',
        pollInterval: 20,
        fetch: (url, init) => {
          if (url.includes(paths.revocations)) wanted.push(new URL(url).searchParams.get('since'))
          return line.fetch(url, init)
        },
      })
      issuer.revoke('lost-phone')
      await pass(45)
      expect(wanted).to.deep.equal([null, '0', '1'])
      expect(stateOf(verifier).remembered).to.equal(1)
    })

    it('comes again with growing waits while the issuer is away', async () => {
      const verifier = await aFollower({ follow: 'poll' })
      issuer.isDown = true
      await pass(10 * MINUTE)
      expect(asked().length).to.be.below(50)
      issuer.isDown = false
      await pass(31)
      expect(stateOf(verifier)).to.include({ by: 'poll', isStale: false })
    })

    it('gives an answer ten seconds', async () => {
      line.answer(paths.revocations, hang)
      await aFollower({ follow: 'poll' })
      await pass(9.5)
      expect(failures).to.be.empty
      await pass(1)
      expect(failures).to.have.length(1)
    })

    for (const [name, answer] of Object.entries({
      'is no JSON': () => new Response('<!doctype html>'),
      'is an array': () => Response.json([]),
      'has no cursor': () => Response.json({ horizon: instant(), revocations: [] }),
      'has no horizon': () => Response.json({ cursor: 'x', revocations: [] }),
      'has a horizon that is none': () => Response.json({ cursor: 'x', horizon: 'soon', revocations: [] }),
      'has no list': () => Response.json({ cursor: 'x', horizon: instant() }),
      'has an entry that is none': () => Response.json({ cursor: 'x', horizon: instant(), revocations: [1] }),
      'is an error': () => Response.json({ cursor: 'x', horizon: instant(), revocations: [] }, { status: 500 }),
      'is a redirect': () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
    })) {
      it(`does not believe an answer that ${name}`, async () => {
        const wanted: (string | null)[] = []
        line.answer(paths.revocations, answer)
        const verifier = await aFollower({
          follow: 'poll',
          fetch: (url, init) => {
            if (url.includes(paths.revocations)) wanted.push(new URL(url).searchParams.get('since'))
            return line.fetch(url, init)
          },
        })
        expect(failures).to.have.length(1)
        expect(stateOf(verifier)).to.include({ by: 'nothing', isStale: true })
        await pass(1)
        expect(new Set(wanted), 'and has not learned its cursor').to.deep.equal(new Set([null]))
      })
    }
  })

  describe("with follow: 'on-demand'", () => {
    it('asks for nothing until a token is checked, and has no timer', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      await pass(HOUR)
      expect(asked()).to.be.empty
      expect(line.sentTo(paths.jwks)).to.be.empty
      issuer.revoke('lost-phone')
      expect(await verifyWith(verifier, { sid: 'lost-phone' })).to.equal('token_revoked')
      expect(asked()).to.have.length(1)
      await pass(HOUR)
      expect(asked()).to.have.length(1)
      expect(line.sentTo(paths.jwks)).to.have.length(1)
    })

    it('asks at most every pollInterval, once for all who come at the same time', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.signTestToken()))
      const crowd = (): Promise<unknown> => Promise.all(tokens.map((token) => verifier.verify(token)))
      for (const token of tokens) await verifier.verify(token)
      await crowd()
      await pass(5)
      await crowd()
      expect(asked()).to.have.length(1)
      await pass(0.1)
      await crowd()
      expect(asked()).to.have.length(2)
      expect(stateOf(verifier)).to.include({ by: 'on-demand', isStale: false })
    })

    it('waits for nobody who was cut off while they asked', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      const token = await issuer.signTestToken()
      await verifier.verify(token)
      await pass(6)
      line.answer(paths.revocations, () => new Promise(() => undefined))
      void verifier.verify(token)
      await pass(0)
      line.answer(paths.revocations)
      issuer.revoke('session-1')
      expect(await refusalOf(verifier.verify(token)), 'what is known will do').to.equal(null)
      expect(asked()).to.have.length(2)
      await pass(2)
      expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
      expect(asked()).to.have.length(3)
    })

    it('has everybody wait for what is not known well enough, each for an answer of their own', async () => {
      const verifier = await aFollower({ follow: 'on-demand', onStale: 'reject' })
      const token = await issuer.signTestToken()
      await verifier.verify(token)
      issuer.revoke('session-1')
      await pass(31)
      line.answer(paths.revocations, () => new Promise(() => undefined))
      void verifier.verify(token)
      await pass(0)
      line.answer(paths.revocations)
      expect(await refusalOf(verifier.verify(token))).to.equal('token_revoked')
    })

    it('asks at most every pollInterval also while the issuer is away', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      await verifyWith(verifier)
      issuer.isDown = true
      for (let seconds = 0; seconds < MINUTE; seconds += 1) {
        await pass(1)
        expect(await verifyWith(verifier)).to.equal(null)
      }
      expect(asked().length).to.be.within(10, 13)
      expect(failures, 'told once of each').to.have.length(asked().length - 1)
      expect(stateOf(verifier)).to.include({ by: 'nothing', isStale: true })
      issuer.isDown = false
      await pass(5)
      await verifyWith(verifier)
      expect(stateOf(verifier)).to.include({ by: 'on-demand', isStale: false })
    })

    it('has nobody wait longer than two seconds, and only once, for an issuer that hangs', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      await verifyWith(verifier)
      line.answer(paths.revocations, hang)
      await pass(6)
      const first = verifyWith(verifier)
      await pass(2)
      expect(await first).to.equal(null)
      expect(await verifyWith(verifier), 'nobody waits for this one').to.equal(null)
    })

    it('does not ask sooner than Retry-After says', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      line.answer(paths.revocations, () => new Response(null, { status: 429, headers: { 'retry-after': '60' } }))
      await verifyWith(verifier)
      await pass(59)
      await verifyWith(verifier)
      expect(asked()).to.have.length(1)
      await pass(1)
      await verifyWith(verifier)
      expect(asked()).to.have.length(2)
    })

    it('has the keys fetched that the feed says are new', async () => {
      const verifier = await aFollower({ follow: 'on-demand' })
      const token = await issuer.signTestToken()
      await verifier.verify(token)
      await issuer.rotateKey({ withdraw: true })
      await pass(6)
      await refusalOf(verifier.verify(token))
      await pass(0)
      expect(await refusalOf(verifier.verify(token))).to.equal('key_unknown')
    })
  })

  it('takes an entry of a kind that it does not know as stale: a later version may have more of them', async () => {
    const stream = byHand()
    const verifier = await aFollower()
    stream.send(horizon('one') + revocation('a', { kind: 'paused' }) + revocation('b'))
    await pass(0)
    expect(await verifyWith(verifier, { sid: 'a' })).to.equal('token_stale')
    expect(await verifyWith(verifier, { sid: 'b' })).to.equal('token_revoked')
    expect(failures).to.be.empty
  })

  describe('when there is garbage in the stream', () => {
    const garbage: Record<string, () => string> = {
      'no JSON': () => 'event: revocation\ndata: {"sid":\n\n',
      'no object': () => write('revocation', []),
      'an entry without a session': () => write('revocation', { ...entry('a'), sid: undefined }),
      'an entry of a kind that is no text': () => revocation('a', { kind: 7 }),
      'an entry without its times': () => revocation('a', { until: null }),
      'an entry with times that are none': () => revocation('a', { issued_until: 'yesterday' }),
      'a horizon without its instant': () => write('horizon', {}, 'evil'),
      'bytes that are no text': () => 'event: horizon\nid: evil\ndata: \ufffd\u0000\n\n',
    }
    for (const [name, text] of Object.entries(garbage)) {
      it(`(${name}) begins anew from the last horizon, and keeps what it knows`, async () => {
        const stream = byHand()
        const verifier = await aFollower()
        stream.send(horizon('good') + revocation('before'))
        await pass(0)
        stream.send(text())
        await pass(0.3)
        expect(failures).to.have.length(1)
        expect(streams()).to.have.length(2)
        expect(streams()[1]?.headers.get('last-event-id')).to.equal('good')
        expect(await verifyWith(verifier, { sid: 'before' })).to.equal('token_revoked')
        stream.send(horizon('better'))
        await pass(0)
        expect(stateOf(verifier)).to.include({ by: 'stream', isStale: false, remembered: 1 })
      })
    }

    it('ignores events and members that it does not know', async () => {
      const stream = byHand()
      const verifier = await aFollower()
      stream.send(
        write('weather', { sunny: true }) + revocation('a', { more: 'of it' }) + horizon('1', { mood: 'good' }),
      )
      await pass(0)
      expect(stateOf(verifier)).to.include({ by: 'stream', remembered: 1 })
      expect(failures).to.be.empty
    })

    for (const [name, chunk] of Object.entries({
      'a line without end': 'x'.repeat(16_384),
      'an event without end': `data: ${'x'.repeat(1_000)}\n`.repeat(16),
    })) {
      it(`(${name}) does not keep it in memory`, async () => {
        let sent = 0
        line.answer(paths.revocations, ({ signal }) => {
          const body = new ReadableStream<Uint8Array>({
            start: (controller) => signal?.addEventListener('abort', () => controller.error(new Error('given up'))),
            pull(controller) {
              sent += chunk.length
              if (sent < 100_000_000) controller.enqueue(new TextEncoder().encode(chunk))
            },
          })
          return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
        })
        await aFollower()
        expect(failures).to.have.length(1)
        expect(sent).to.be.below(200_000)
      })
    }
  })

  describe('takes entries', () => {
    let stream: HandMadeStream
    let verifier: Verifier
    beforeEach(async () => {
      stream = byHand()
      verifier = await aFollower()
      stream.send(horizon('1'))
      await pass(0)
    })

    /** Time passes, and the issuer says so. */
    async function passWithHorizons(seconds: number): Promise<void> {
      for (let passed = 0; passed < seconds; passed += 5) {
        await pass(5)
        stream.send(horizon('1'))
      }
      await pass(0)
    }

    it('out of order and more than once: the latest moment counts', async () => {
      const [early, late] = [instant(20), instant(10)]
      for (const issuedUntil of [early, late, early, late]) stream.send(revocation('a', { issued_until: issuedUntil }))
      for (const issuedUntil of [late, early]) stream.send(revocation('b', { issued_until: issuedUntil }))
      await pass(0)
      expect(stateOf(verifier).remembered).to.equal(2)
      for (const sid of ['a', 'b']) {
        expect(await verifyWith(verifier, { sid, iat: now(15) })).to.equal('token_revoked')
        expect(await verifyWith(verifier, { sid, iat: now(10) }), 'of that very second').to.equal('token_revoked')
        expect(await verifyWith(verifier, { sid, iat: now(9) })).to.equal(null)
      }
    })

    it('whose moment has a fraction, as if it had none: tokens have none either', async () => {
      stream.send(revocation('a', { issued_until: instant(10).replace('.000Z', '.999Z') }))
      await pass(0)
      expect(await verifyWith(verifier, { sid: 'a', iat: now(10) })).to.equal('token_revoked')
      expect(await verifyWith(verifier, { sid: 'a', iat: now(9) })).to.equal(null)
    })

    it('and keeps them until their time is over, when it forgets them', async () => {
      stream.send(revocation('a') + revocation('b', { kind: 'stale' }))
      await passWithHorizons(5 * MINUTE + 55)
      expect(stateOf(verifier).remembered).to.equal(2)
      await passWithHorizons(10)
      expect(stateOf(verifier).remembered).to.equal(0)
    })

    it('and forgets a great many of them at once', async () => {
      for (let count = 0; count < 5_000; count += 1) stream.send(revocation(`session-${count}`))
      await pass(0)
      expect(stateOf(verifier).remembered).to.equal(5_000)
      await passWithHorizons(6 * MINUTE + 5)
      expect(stateOf(verifier).remembered).to.equal(0)
    })

    it('and forgets them although a few before them last much longer', async () => {
      for (let count = 0; count < 10; count += 1)
        stream.send(revocation(`long-${count}`, { until: instant(-1000 * HOUR) }))
      for (let count = 0; count < 100; count += 1) stream.send(revocation(`session-${count}`))
      await passWithHorizons(6 * MINUTE + 5)
      expect(stateOf(verifier).remembered).to.equal(10)
    })

    it('of a session that was brought back: its new tokens pass at once', async () => {
      stream.send(revocation('revived', { issued_until: instant(1) }))
      await pass(0)
      expect(await verifyWith(verifier, { sid: 'revived', iat: now(1) })).to.equal('token_revoked')
      expect(await verifyWith(verifier, { sid: 'revived' })).to.equal(null)
    })

    it('that say a token is outdated: it is to be refreshed, and a fresh one passes', async () => {
      const token = await issuer.signTestToken({ sid: 'promoted' })
      stream.send(revocation('promoted', { kind: 'stale' }))
      await pass(1)
      const answer = verifier.answer(await verifier.verify(token).catch((error: unknown) => error))
      expect(answer.status).to.equal(401)
      expect(answer.headers['www-authenticate']).to.equal(
        'Bearer error="invalid_token", error_description="The access token is outdated: refresh it"',
      )
      expect(await refusalOf(verifier.verify(token))).to.equal('token_stale')
      expect(await verifyWith(verifier, { sid: 'promoted' })).to.equal(null)
    })

    it('of both kinds for one session: that it is over is the worse', async () => {
      for (const kinds of [
        ['stale', 'revoked'],
        ['revoked', 'stale'],
      ]) {
        const sid = kinds.join()
        for (const kind of kinds) stream.send(revocation(sid, { kind }))
        await pass(0)
        expect(await verifyWith(verifier, { sid }), sid).to.equal('token_revoked')
      }
      stream.send(revocation('a', { issued_until: instant(10) }) + revocation('a', { kind: 'stale' }))
      await pass(0)
      expect(await verifyWith(verifier, { sid: 'a', iat: now(5) })).to.equal('token_stale')
    })

    it('of sessions with strange names', async () => {
      for (const sid of ['__proto__', 'constructor', '']) {
        stream.send(revocation(sid))
        await pass(0)
        if (sid !== '') expect(await verifyWith(verifier, { sid })).to.equal('token_revoked')
      }
      expect(await verifyWith(verifier, { sid: 'toString' })).to.equal(null)
    })
  })

  describe('tells whoever keeps something open', () => {
    let verifier: Verifier
    let token: AccessTokenClaims
    let heard: EndReason[]
    beforeEach(async () => {
      verifier = await aFollower()
      token = await verifier.verify(await issuer.signTestToken())
      heard = []
    })
    const hear = (reason: EndReason): void => void heard.push(reason)

    it('once, when the session is over', async () => {
      verifier.onEnd(token, hear)
      await pass(10)
      expect(heard).to.be.empty
      issuer.revoke('another')
      issuer.markStale('session-1')
      await pass(0)
      expect(heard).to.be.empty
      issuer.revoke('session-1')
      await pass(0)
      expect(heard).to.deep.equal(['revoked'])
      await pass(1)
      issuer.revoke('session-1')
      await pass(10)
      expect(heard).to.deep.equal(['revoked'])
    })

    it('all of them', async () => {
      const others = Array.from({ length: 10 }, () => verifier.onEnd(token, hear))
      others[3]?.()
      others[7]?.()
      issuer.revoke('session-1')
      await pass(0)
      expect(heard).to.have.length(8)
      verifier.onEnd(token, hear)
      await pass(0)
      expect(heard, 'and who comes after that').to.have.length(9)
    })

    it('soon, and not at once, when it was over before', async () => {
      issuer.revoke('session-1')
      await pass(0)
      verifier.onEnd(token, hear)
      expect(heard).to.be.empty
      await pass(0)
      expect(heard).to.deep.equal(['revoked'])
    })

    it('never after they have had enough, not even when it was over before', async () => {
      const stop = verifier.onEnd(token, hear)
      stop()
      stop()
      issuer.revoke('session-1')
      await pass(0)
      verifier.onEnd(token, hear)()
      await pass(10)
      expect(heard).to.be.empty
    })

    it('not of the end of a session that began again with a newer token', async () => {
      await pass(2)
      const newer = await verifier.verify(await issuer.signTestToken())
      const stream = byHand()
      issuer.isDown = true
      await pass(1)
      verifier.onEnd(newer, hear)
      stream.send(
        revocation('session-1', { issued_until: new Date((newer.iat - 1) * 1000).toISOString() }) + horizon('1'),
      )
      await pass(0)
      expect(heard).to.be.empty
      stream.send(revocation('session-1', { issued_until: new Date(newer.iat * 1000).toISOString() }))
      await pass(0)
      expect(heard).to.deep.equal(['revoked'])
    })

    it('that nobody can know, after the feed was lost for so long that entries came and went', async () => {
      const stop = verifier.onEnd(token, () => expect.fail('it was stopped'))
      stop()
      const other = await verifier.verify(await issuer.signTestToken({ sid: 'session-2' }))
      verifier.onEnd(token, hear)
      verifier.onEnd(other, hear)
      const stream = byHand()
      issuer.isDown = true
      await pass(1)
      stream.send(revocation('session-1') + horizon('1', { reset: true }))
      await pass(0)
      expect(heard).to.deep.equal(['revoked', 'unknown'])
      stream.send(horizon('2', { reset: true }))
      await pass(0)
      expect(heard).to.have.length(2)
    })

    it('nothing of the kind where it has only begun to follow', async () => {
      const stream = byHand()
      const young = await aFollower()
      young.onEnd(token, hear)
      stream.send(horizon('1', { reset: true }))
      await pass(0)
      expect(heard).to.be.empty
    })

    it('although one of them fails', async () => {
      const others = process.listeners('uncaughtException')
      const thrown: unknown[] = []
      process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => void thrown.push(error))
      try {
        verifier.onEnd(token, () => {
          throw new Error('this socket was closed already')
        })
        verifier.onEnd(token, hear)
        issuer.revoke('session-1')
        await pass(1)
        expect(heard).to.deep.equal(['revoked'])
        expect(String(thrown), 'which nobody hides').to.equal('Error: this socket was closed already')
        expect(asked(), 'and goes on following').to.have.length(1)
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const each of others) process.on('uncaughtException', each)
      }
    })
  })
})
