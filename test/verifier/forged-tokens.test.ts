/** Every forged token of the table is refused, by a verifier and by the service, and nobody is asked about it. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect } from 'chai'
import { paths } from '../../src/protocol/paths.ts'
import { createVerifier, Refused, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import {
  claimsWith,
  FORGERIES,
  LONGEST,
  ofLength,
  otherAudiences,
  STRANGE_KIDS,
  type Target,
} from '../support/forged-tokens.ts'
import { aSignedInPerson, callSessions, claimsOf, type SignedIn } from '../support/people.ts'
import { sendRawRequest, type RawAnswer } from '../support/raw-request.ts'
import { onStore, type TestServer } from '../support/server.ts'
import {
  ALGORITHMS,
  createHandIssuer,
  entryOf,
  handKey,
  makeHandKey,
  mintToken,
  type Algorithm,
  type HandIssuer,
  type HandKey,
} from '../support/signed-by-hand.ts'

/** The issuer's keys, one of each algorithm. */
const keys = new Map<Algorithm, HandKey>()
const keyOf = (alg: Algorithm): HandKey => {
  const key = keys.get(alg) ?? makeHandKey(alg)
  keys.set(alg, key)
  return key
}

/** A server of the forger, which nobody may ask. */
let listener: Server
let asked = 0

interface Scene {
  readonly issuer: HandIssuer
  readonly verifier: Verifier
  readonly target: (alg: Algorithm) => Target
}

/** A verifier that knows the keys of all three algorithms, and follows the feed. */
async function aVerifier(options: Partial<VerifierOptions> = {}): Promise<Scene> {
  const issuer = await createHandIssuer({ keys: ALGORITHMS.map(keyOf).map(entryOf) })
  const verifier = issuer.createVerifier(options)
  await verifier.ready()
  await issuer.clock.advance(0) // the stream is opened in the background
  const target = (alg: Algorithm): Target => ({
    ...issuer.mint(keyOf(alg)),
    issuer: issuer.issuer,
    audience: issuer.audience,
    now: () => Math.floor(issuer.clock.now() / 1000),
    other: keyOf,
    listener: listenerUrl(),
  })
  return { issuer, verifier, target }
}

const listenerUrl = (): string => `http://127.0.0.1:${(listener.address() as AddressInfo).port}`

/** What a token is refused with. Whatever else is thrown is a bug, and thrown on. */
async function refusalOf(verifier: Verifier, token: string): Promise<Refused | null> {
  try {
    await verifier.verify(`Bearer ${token}`)
    return null
  } catch (error) {
    if (error instanceof Refused) return error
    throw error
  }
}

const codeOf = async (verifier: Verifier, token: string): Promise<string> =>
  (await refusalOf(verifier, token))?.code ?? 'accepted'

describe('forged tokens', () => {
  before(async () => {
    listener = createServer((_request, response) => {
      asked += 1
      response.end('{"keys":[]}')
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
  })
  after(() => {
    listener.close()
    expect(asked, 'requests to a URL that a token named').to.equal(0)
  })

  describe('are refused by a verifier, which asks nobody about them:', () => {
    let scene: Scene
    before(async () => {
      scene = await aVerifier()
    })
    after(() => scene.verifier.close())

    for (const [group, forgeries] of Object.entries({ ...FORGERIES, 'for another API': otherAudiences })) {
      describe(group, () => {
        for (const { what, code, make, isFor } of forgeries) {
          it(`${what}: ${code}`, async () => {
            const { issuer, target } = scene
            // One that has asked for nothing yet: the cooldown of another's fetch would hide this one's.
            const verifier = await issuer.createQuietVerifier()
            const requests = issuer.requests.length
            for (const alg of ALGORITHMS.filter(isFor))
              expect(await codeOf(verifier, make(target(alg))), alg).to.equal(code)
            expect(issuer.requests.slice(requests)).to.be.empty
            verifier.close()
          })
        }
      })
    }

    it('and whoever sent them is told the same, whatever is wrong', async () => {
      const { verifier, target } = scene
      const answers = new Set<string>()
      for (const { make } of Object.values(FORGERIES)
        .flat()
        .filter(({ isFor }) => isFor('RS256')))
        answers.add(JSON.stringify(verifier.answer(await refusalOf(verifier, make(target('RS256'))))))
      expect([...answers]).to.have.length(1)
      expect(answers.values().next().value).to.include('Bearer error=\\"invalid_token\\"')
    })

    it('also where a good token that ends alike was seen before', async () => {
      const { verifier, target } = scene
      for (const alg of ALGORITHMS) {
        const good = mintToken(target(alg))
        await verifier.verify(good)
        const [header, , signature] = good.split('.')
        const payload = Buffer.from(JSON.stringify({ ...target(alg).claims(), sub: 'user-2' })).toString('base64url')
        expect(await codeOf(verifier, `${header}.${payload}.${signature}`)).to.equal('signature_invalid')
        expect(await codeOf(verifier, good)).to.equal('accepted')
      }
    })

    it('also without the scheme; and no token is no forged one', async () => {
      const { verifier, target } = scene
      const forged = mintToken(target('ES256')).slice(0, -8)
      const codeWithout = (credential: string | null | undefined): Promise<string> =>
        verifier.verify(credential).then(String, (error: Refused) => error.code)
      expect(await codeWithout(forged)).to.equal('signature_invalid')
      expect(await codeWithout(`Basic ${forged}`)).to.equal('token_missing')
      for (const nothing of ['', null, undefined]) expect(await codeWithout(nothing)).to.equal('token_missing')
      expect(await codeWithout('Bearer ')).to.equal('token_malformed')
    })
  })

  describe('are not', () => {
    let scene: Scene
    before(async () => {
      scene = await aVerifier()
    })
    after(() => scene.verifier.close())

    const accepted: Record<string, (target: Target) => string> = {
      'what the issuer signs': (t) => mintToken(t),
      'those of typ AT+JWT': (t) => mintToken(t, { header: { typ: 'AT+JWT' } }),
      'those of typ application/at+jwt': (t) => mintToken(t, { header: { typ: 'application/at+jwt' } }),
      'those of typ Application/AT+JWT': (t) => mintToken(t, { header: { typ: 'Application/AT+JWT' } }),
      'those for several APIs, one of them ours': (t) =>
        mintToken(t, { payload: { aud: ['https://other.example', t.audience] } }),
      'those with members in the header that nobody has to know': (t) =>
        mintToken(t, { header: { x: 1, zip: 'DEF', cty: 'x', b64: true } }),
      'those with URLs in the header, which nobody asks': (t) =>
        mintToken(t, { header: { jku: `${t.listener}/jwks.json`, x5u: `${t.listener}/chain.pem` } }),
      'those with claims that are named like something else': (t) =>
        mintToken(t, { payload: claimsWith(t, '"__proto__":{"admin":true},"constructor":1,"toString":null') }),
      'those with claims within claims, 500 deep': (t) =>
        mintToken(t, { payload: claimsWith(t, `"deep":${'['.repeat(500)}${']'.repeat(500)}`) }),
      'those with text from all over the world': (t) => mintToken(t, { payload: { sub: 'użytkownik 用户 🙂' } }),
      [`those of ${LONGEST} characters`]: (t) => ofLength(t, LONGEST),
    }
    for (const [what, make] of Object.entries(accepted)) {
      it(what, async () => {
        const { issuer, verifier, target } = scene
        const requests = issuer.requests.length
        for (const alg of ALGORITHMS) expect(await codeOf(verifier, make(target(alg))), alg).to.equal('accepted')
        expect(issuer.requests.slice(requests)).to.be.empty
      })
    }

    it('those with a name twice, of which the last counts', async () => {
      const { verifier, target } = scene
      const t = target('ES256')
      const payload = `{"sub":"somebody else","iss":"https://evil.example",${JSON.stringify(t.claims()).slice(1)}`
      expect(await verifier.verify(mintToken(t, { payload }))).to.include({ sub: 'user-1', iss: t.issuer })
      const header = `{"alg":"none",${JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: t.key.kid }).slice(1)}`
      expect(await verifier.verify(mintToken(t, { header }))).to.include({ sub: 'user-1' })
    })

    it('able to change what every object has', async () => {
      const { verifier, target } = scene
      const t = target('ES256')
      const token = await verifier.verify(mintToken(t, { payload: claimsWith(t, '"__proto__":{"admin":true}') }))
      expect(token['admin']).to.equal(undefined)
      expect(Object.getPrototypeOf(token)).to.equal(Object.prototype)
      expect(Reflect.get({}, 'admin')).to.equal(undefined)
    })
  })

  describe('with claims nested deeper than any program expects', () => {
    // Only the issuer could sign one. Whoever goes through it by recursion would run out of stack.
    for (const depth of [1_001, 2_800]) {
      it(`are refused with the good signature too, ${depth} deep: token_claims`, async () => {
        const { verifier, target } = await aVerifier()
        for (const alg of ALGORITHMS.filter((each) => each !== 'RS256')) {
          const t = target(alg)
          const payload = claimsWith(t, `"x":${'['.repeat(depth)}${']'.repeat(depth)}`)
          expect(await codeOf(verifier, mintToken(t, { payload }))).to.equal('token_claims')
        }
        verifier.close()
      })
    }
  })

  describe('are told by the clock, to the second:', () => {
    for (const leeway of [0, 10, 60]) {
      const edges: [what: string, claims: (now: number) => Record<string, number>, code: string][] = [
        ['expired a second less than the leeway ago', (now) => ({ exp: now - leeway + 1 }), 'accepted'],
        ['expired the leeway ago', (now) => ({ exp: now - leeway }), 'token_expired'],
        ['expired a second more than the leeway ago', (now) => ({ exp: now - leeway - 1 }), 'token_expired'],
        ['issued the leeway ahead', (now) => ({ iat: now + leeway }), 'accepted'],
        ['issued a second more than the leeway ahead', (now) => ({ iat: now + leeway + 1 }), 'token_not_yet_valid'],
        ['for use from the leeway ahead', (now) => ({ nbf: now + leeway }), 'accepted'],
        ['for use from a second later', (now) => ({ nbf: now + leeway + 1 }), 'token_not_yet_valid'],
      ]
      for (const [what, claims, code] of edges) {
        it(`with a leeway of ${leeway} s, ${what}: ${code}`, async () => {
          const { verifier, target } = await aVerifier({ clockTolerance: leeway })
          const t = target('ES256')
          expect(await codeOf(verifier, mintToken(t, { payload: claims(t.now()) }))).to.equal(code)
          verifier.close()
        })
      }
    }

    it('10 s is the leeway where nothing else is said: exp −1 s, iat and nbf +5 s are good', async () => {
      const { verifier, target } = await aVerifier()
      const t = target('ES256')
      for (const claims of [{ exp: t.now() - 1 }, { iat: t.now() + 5 }, { nbf: t.now() + 5 }, { exp: t.now() - 9 }])
        expect(await codeOf(verifier, mintToken(t, { payload: claims })), JSON.stringify(claims)).to.equal('accepted')
      verifier.close()
    })

    it('also when it was good the last time it came', async () => {
      const { issuer, verifier, target } = await aVerifier()
      const token = mintToken(target('ES256'))
      expect(await codeOf(verifier, token)).to.equal('accepted')
      issuer.clock.step(309)
      expect(await codeOf(verifier, token)).to.equal('accepted')
      issuer.clock.step(1)
      expect(await codeOf(verifier, token)).to.equal('token_expired')
      verifier.close()
    })
  })

  describe('of a key that nobody knows', () => {
    const fetches = ({ issuer }: Scene): number => issuer.requests.filter((path) => path === paths.jwks).length
    // So that every good token is checked with the keys, not remembered.
    const withoutMemory = { cacheSize: 0 }

    it('are refused with every strange kid, for one fetch: key_unknown', async () => {
      const scene = await aVerifier(withoutMemory)
      const fetched = fetches(scene)
      for (const alg of ALGORITHMS) {
        for (const [what, kid] of Object.entries(STRANGE_KIDS)) {
          const t = scene.target(alg)
          const code = await codeOf(scene.verifier, mintToken(t, { header: { kid: kid(t.key.kid) } }))
          expect(code, what).to.equal('key_unknown')
        }
      }
      expect(fetches(scene) - fetched).to.be.at.most(1)
      expect(await codeOf(scene.verifier, mintToken(scene.target('ES256')))).to.equal('accepted')
      scene.verifier.close()
    })

    /** One after the other, or all at once. */
    const inTurn = async (count: number, each: () => Promise<void>): Promise<void> => {
      for (let index = 0; index < count; index += 1) await each()
    }
    const atOnce = async (count: number, each: () => Promise<void>): Promise<void> =>
      void (await Promise.all(Array.from({ length: count }, each)))

    for (const [how, many] of [
      ['in turn', inTurn],
      ['at once', atOnce],
    ] as const) {
      for (const [what, jwks] of [
        ['the same keys', null],
        ['no keys', { keys: [] }],
        ['keys of others', { keys: [entryOf(makeHandKey('ES256', 'somebody else'))] }],
      ] as const) {
        it(`cost one fetch per cooldown: 1,000 of them ${how}, while the issuer publishes ${what}`, async () => {
          const scene = await aVerifier(withoutMemory)
          const { issuer, verifier, target } = scene
          issuer.jwks = jwks ?? issuer.jwks
          const isReplaced = jwks !== null && jwks.keys.length > 0
          const t = target('ES256')
          const one = async (): Promise<void> => {
            const code = await codeOf(verifier, mintToken(t, { header: { kid: randomUUID() } }))
            // Where the fetch was in vain, the key may be a new one: nobody knows.
            expect(code).to.be.oneOf(['key_unknown', 'issuer_unreachable'])
            // What the issuer publishes no more is withdrawn; what it fails to publish is not.
            if (!isReplaced) expect(await codeOf(verifier, mintToken(t))).to.equal('accepted')
          }
          const fetched = fetches(scene)
          await many(1_000, one)
          expect(fetches(scene) - fetched).to.equal(1)
          verifier.close()
        })
      }

      it(`cost one fetch where none was ever good: 1,000 of them ${how}`, async () => {
        const issuer = await createHandIssuer({ keys: [] })
        const verifier = issuer.createVerifier(withoutMemory)
        const t = issuer.mint(keyOf('ES256'))
        await many(1_000, async () => {
          const code = await codeOf(verifier, mintToken(t, { header: { kid: randomUUID() } }))
          expect(code).to.equal('issuer_unreachable')
        })
        expect(issuer.requests.filter((path) => path === paths.jwks)).to.have.length(1)
        verifier.close()
      })
    }

    it('cost one more fetch when the cooldown is over, after 30 s', async () => {
      const scene = await aVerifier(withoutMemory)
      const { issuer, verifier, target } = scene
      const fetched = fetches(scene)
      for (const [seconds, fetchesSoFar] of [
        [0, 1],
        [29, 1],
        [1, 2],
        [29, 2],
      ] as const) {
        await issuer.clock.advance(seconds)
        await inTurn(20, async () => {
          const t = target('EdDSA')
          expect(await codeOf(verifier, mintToken(t, { header: { kid: randomUUID() } }))).to.equal('key_unknown')
        })
        expect(fetches(scene) - fetched).to.equal(fetchesSoFar)
      }
      verifier.close()
    })

    it('cost no fetch at all where something else is wrong, too', async () => {
      const scene = await aVerifier(withoutMemory)
      const { verifier, target } = scene
      const fetched = fetches(scene)
      const t = target('ES256')
      for (const [changes, code] of [
        [{ payload: { iss: 'https://evil.example' } }, 'token_issuer'],
        [{ header: { kid: 'nobody', alg: 'HS256' } }, 'token_algorithm'],
        [{ header: { kid: 'nobody', typ: 'JWT' } }, 'token_type'],
        [{ header: { kid: 'nobody', crit: ['x'] } }, 'token_malformed'],
        [{ header: { kid: 'nobody' }, payload: 'x' }, 'token_malformed'],
      ] as const) {
        const { header = {}, ...others } = changes as { header?: object }
        const token = mintToken(t, { ...others, header: { kid: 'nobody', ...header } })
        expect(await codeOf(verifier, token)).to.equal(code)
      }
      expect(fetches(scene) - fetched).to.equal(0)
      verifier.close()
    })
  })

  describe('are refused by the service, all alike:', () => {
    onStore('embedded', (server) => {
      let person: SignedIn
      let target: Target
      before(async () => {
        person = await aSignedInPerson(server().url)
        target = targetOf(server(), person)
      })

      const ask = (token: string): Promise<RawAnswer> =>
        sendRawRequest(server().url, {
          path: '/v1/sessions/current',
          headers: { authorization: `Bearer ${token}` },
        })

      it('a token that is minted as they are, but good, is accepted', async () => {
        const { status, text } = await ask(mintToken(target))
        expect(status).to.equal(200)
        expect(JSON.parse(text)).to.include({ id: person.sessionId })
      })

      for (const [group, forgeries] of Object.entries(FORGERIES)) {
        it(`those ${group}`, async () => {
          for (const { what, make } of forgeries.filter(({ isFor }) => isFor('ES256'))) {
            const token = make(target)
            if (isCarriedByHttp(token)) expectInvalidToken(await ask(token), what)
          }
        })
      }

      it('those of a strange kid', async () => {
        for (const [what, kid] of Object.entries(STRANGE_KIDS))
          expectInvalidToken(await ask(mintToken(target, { header: { kid: kid(target.key.kid) } })), what)
      })

      it('those that have expired, were revoked, or are of a session or a person that never was', async () => {
        const other = await aSignedInPerson(server().url)
        await callSessions(server().url, 'DELETE', '/current', other.accessToken)
        expectInvalidToken(await ask(mintToken(target, { payload: { exp: target.now() - 11 } })), 'expired')
        expectInvalidToken(await ask(other.accessToken), 'revoked')
        expectInvalidToken(await ask(mintToken(targetOf(server(), other))), 'revoked, and made anew')
        for (const payload of [
          { sid: randomUUID() },
          { sub: randomUUID() },
          { sid: other.sessionId },
          { sub: other.userId },
        ])
          expectInvalidToken(await ask(mintToken(target, { payload })), JSON.stringify(payload))
      })

      it('and a name that comes twice means to it what it means to a verifier', async () => {
        const { config, hallpass } = server()
        const verifier = createVerifier({
          issuer: config.issuer,
          audience: config.audience,
          fetch: () => Promise.resolve(Response.json(hallpass.keys.jwks())),
        })
        const other = await aSignedInPerson(server().url)
        const { sub, sid } = claimsOf(other.accessToken)
        const before = JSON.stringify({ sub, sid }).slice(0, -1)
        const first = `${before},${JSON.stringify(target.claims()).slice(1)}`
        const last = claimsWith(target, before.slice(1))
        for (const [payload, meant] of [
          [first, person],
          [last, other],
        ] as const) {
          const token = mintToken(target, { payload })
          const { status, text } = await ask(token)
          expect(status).to.equal(200)
          expect(JSON.parse(text)).to.include({ id: meant.sessionId })
          expect(await verifier.verify(token)).to.include({ sub: meant.userId, sid: meant.sessionId })
        }
        verifier.close()
      })

      for (const size of [64 * 1024, 1024 * 1024]) {
        it(`those of ${size / 1024} KB, by the HTTP parser, and it goes on serving`, async () => {
          const [answer] = (await sendBytes(server().url, ofLength(target, size))).split('\r\n')
          // 431 is lost where the connection is closed upon what was still being sent.
          expect(answer).to.be.oneOf(['HTTP/1.1 431 Request Header Fields Too Large', ''])
          expect(await ask(mintToken(target))).to.include({ status: 200 })
        })
      }
    })
  })
})

/** A person's own session, with the key that the service signs with: as if it had leaked. */
function targetOf({ config, hallpass }: TestServer, person: SignedIn): Target {
  const { kid, alg, privateKey } = hallpass.keys.active()
  // The service's clock runs: from the second that is about to begin, every edge is where it should be.
  const now = (): number => Math.ceil(Date.now() / 1000)
  const claims = claimsOf(person.accessToken)
  return {
    key: handKey(alg as Algorithm, kid, privateKey),
    claims: () => ({ ...claims, jti: randomUUID(), iat: now() - 1, exp: now() + 300 }),
    issuer: config.issuer,
    audience: String(config.audience[0]),
    now,
    other: keyOf,
    listener: listenerUrl(),
  }
}

/** What is no header never reaches the service; and what is longer than Node reads has its own sentence. */
const isCarriedByHttp = (token: string): boolean => /^[\x20-\x7e\xa0-\xff]*$/.test(token) && token.length < 15_000

const INVALID_TOKEN = {
  type: 'about:blank',
  title: 'Unauthorized',
  status: 401,
  detail: 'This access token is not valid. Refresh it, or sign in again.',
  code: 'invalid_access_token',
}

function expectInvalidToken({ status, headers, text }: RawAnswer, what: string): void {
  expect({ what, status, challenge: headers['www-authenticate'], type: headers['content-type'], text }).to.deep.equal({
    what,
    status: 401,
    challenge: 'Bearer error="invalid_token"',
    type: 'application/problem+json',
    text: JSON.stringify(INVALID_TOKEN),
  })
}

/** @returns what came back before the connection was closed */
function sendBytes(url: string, token: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', () => undefined) // `close` follows
    socket.on('close', () => resolve(answer))
    socket.write(`GET /v1/sessions/current HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  })
}
