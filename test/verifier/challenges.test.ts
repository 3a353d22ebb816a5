/** What a caller is told who is not let in: RFC 6750 section 3, RFC 9470, RFC 9728, RFC 9457. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import Koa from 'koa'
import {
  answerTo,
  Refused,
  requireClaim,
  requireRecentAuth,
  requireScope,
  type Answer,
  type Guard,
  type RefusedCode,
  type Verifier,
  type VerifierOptions,
  type VerifyOptions,
} from 'hallpass/verifier'
import { withToken } from 'hallpass/verifier/fetch'
import { requireToken } from 'hallpass/verifier/koa'
import { createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'
import { sendRawRequest } from '../support/raw-request.ts'

describe('What a caller is told who is not let in', () => {
  let issuer: TestIssuer
  const open: Verifier[] = []
  beforeEach(async () => (issuer = await createTestIssuer()))
  afterEach(() => {
    for (const verifier of open.splice(0)) verifier.close()
  })

  async function aVerifier(options: Partial<VerifierOptions> = {}): Promise<Verifier> {
    const verifier = issuer.createVerifier(options)
    open.push(verifier)
    await verifier.ready()
    return verifier
  }

  /** The answer to a refused token, and the code that only the API is told. */
  async function refusal(
    verifier: Verifier,
    credential: string | undefined,
    options: VerifyOptions = {},
  ): Promise<Answer & { code: RefusedCode }> {
    const error = await verifier.verify(credential, options).then(
      () => new Error('it was let in'),
      (refused: unknown) => refused,
    )
    return { ...verifier.answer(error), code: (error as Refused).code }
  }

  const challengeOf = ({ headers }: Answer): string | undefined => headers['www-authenticate']

  function expectProblem({ status, headers, body }: Answer, expected: { title: string; code: string; detail: RegExp }) {
    const { detail, ...rest } = JSON.parse(body) as Record<string, unknown>
    expect(rest).to.deep.equal({ type: 'about:blank', status, title: expected.title, code: expected.code })
    expect(detail).to.match(expected.detail)
    expect(headers).to.include({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  }

  /** A token of every kind that is not good, and why. */
  async function badTokens(): Promise<[RefusedCode, string][]> {
    const good = await issuer.signTestToken()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const other = Buffer.from(JSON.stringify({ ...decoded(payload), sub: 'root' })).toString('base64url')
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: 'key-1' })).toString('base64url')
    issuer.revoke('over')
    return [
      ['token_malformed', 'garbage'],
      ['token_malformed', `${header}.${payload}`],
      ['token_type', await issuer.signTestToken({}, { typ: 'JWT' })],
      ['token_algorithm', `${unsigned}.${payload}.${signature}`],
      ['token_issuer', await issuer.signTestToken({ iss: 'https://evil.example' })],
      ['token_audience', await issuer.signTestToken({ aud: 'https://other.example' })],
      ['token_claims', await issuer.signTestToken({ sid: undefined })],
      ['token_expired', await issuer.signTestToken({ exp: Math.floor(issuer.clock.now() / 1000) - 60 })],
      ['token_not_yet_valid', await issuer.signTestToken({ nbf: Math.floor(issuer.clock.now() / 1000) + 60 })],
      ['key_unknown', await issuer.signTestToken({}, { kid: 'nobody’s' })],
      ['signature_invalid', `${header}.${other}.${signature}`],
      ['token_revoked', await issuer.signTestToken({ sid: 'over' })],
    ]
  }

  const decoded = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString()) as object

  it('is only asked for a token, where there is none: a bare challenge', async () => {
    const verifier = await aVerifier()
    for (const none of [undefined, '', 'Basic dXNlcjpwYXNzd29yZA==']) {
      const answer = await refusal(verifier, none)
      expect(answer).to.include({ status: 401, code: 'token_missing' })
      expect(challengeOf(answer)).to.equal('Bearer')
      expectProblem(answer, { title: 'Unauthorized', code: 'invalid_access_token', detail: /^Send an access token/ })
    }
  })

  it('is told one and the same of every token that is not good: forged, expired, revoked', async () => {
    const verifier = await aVerifier()
    const bad = await badTokens()
    await issuer.clock.advance(0)
    const answers = new Set<string>()
    for (const [code, token] of bad) {
      const { code: found, ...answer } = await refusal(verifier, token)
      expect(found).to.equal(code)
      answers.add(JSON.stringify(answer))
    }
    expect(answers.size).to.equal(1)
    const [only] = [...answers].map((answer) => JSON.parse(answer) as Answer)
    expect(only?.status).to.equal(401)
    expect(only && challengeOf(only)).to.equal('Bearer error="invalid_token"')
    expectProblem(only as Answer, {
      title: 'Unauthorized',
      code: 'invalid_access_token',
      detail: /^This access token is not valid/,
    })
  })

  it('is told to refresh what is merely outdated', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken()
    issuer.markStale('session-1')
    await issuer.clock.advance(0)
    const answer = await refusal(verifier, token)
    expect(answer).to.include({ status: 401, code: 'token_stale' })
    expect(challengeOf(answer)).to.equal(
      'Bearer error="invalid_token", error_description="The access token is outdated: refresh it"',
    )
    expectProblem(answer, { title: 'Unauthorized', code: 'invalid_access_token', detail: /Refresh it/ })
    await issuer.clock.advance(1)
    expect(await verifier.verify(await issuer.signTestToken())).to.include({ sid: 'session-1' })
  })

  it('is told which scope is missing', async () => {
    const verifier = await aVerifier()
    const guards = [requireScope('orders:read', 'orders:write')]
    const answer = await refusal(verifier, await issuer.signTestToken({ scope: 'orders:read' }), { guards })
    expect(answer).to.include({ status: 403, code: 'insufficient_scope' })
    expect(challengeOf(answer)).to.equal('Bearer error="insufficient_scope", scope="orders:read orders:write"')
    expectProblem(answer, { title: 'Forbidden', code: 'insufficient_scope', detail: /does not have the scope/ })
  })

  it('is told how young the confirmation has to be', async () => {
    const verifier = await aVerifier()
    const token = await issuer.signTestToken({ auth_time: Math.floor(issuer.clock.now() / 1000) - 3600 })
    const answer = await refusal(verifier, token, { guards: [requireRecentAuth({ maxAge: 600 })] })
    expect(answer).to.include({ status: 401, code: 'insufficient_user_authentication' })
    expect(challengeOf(answer)).to.equal('Bearer error="insufficient_user_authentication", max_age="600"')
    expectProblem(answer, {
      title: 'Unauthorized',
      code: 'insufficient_user_authentication',
      detail: /^Confirm that it is you/,
    })
  })

  it('gets no challenge where no other token would help', async () => {
    const verifier = await aVerifier({ realm: 'orders' })
    const answer = await refusal(verifier, await issuer.signTestToken(), { guards: [requireClaim('plan', 'pro')] })
    expect(answer).to.include({ status: 403, code: 'claim_refused' })
    expect(answer.headers).not.to.have.property('www-authenticate')
    expectProblem(answer, { title: 'Forbidden', code: 'forbidden', detail: /^This account may not do this/ })
    expect(answer.body).not.to.match(/plan|pro\b/)
  })

  describe('while nobody can know', () => {
    function expectNotNow(answer: Answer): void {
      expect(answer.status).to.equal(503)
      expect(answer.headers).not.to.have.property('www-authenticate')
      expect(answer.headers['retry-after']).to.match(/^[1-9]\d?$/)
      expectProblem(answer, {
        title: 'Service Unavailable',
        code: 'temporarily_unavailable',
        detail: /Nothing is wrong with yours/,
      })
    }

    it('is asked to come again, where the keys were never had', async () => {
      issuer.isDown = true
      const verifier = issuer.createVerifier({ realm: 'orders', resourceMetadata: 'https://api.example/metadata' })
      open.push(verifier)
      const answer = await refusal(verifier, await issuer.signTestToken())
      expect(answer.code).to.equal('issuer_unreachable')
      expectNotNow(answer)
    })

    it('is asked to come again, where the feed is lost and the route is strict', async () => {
      const verifier = await aVerifier()
      issuer.isDown = true
      await issuer.clock.advance(60)
      const token = await issuer.signTestToken()
      for (const onStale of ['reject', 'introspect'] as const) {
        const answer = await refusal(verifier, token, { onStale })
        expect(answer.code).to.equal('revocations_unknown')
        expectNotNow(answer)
      }
    })

    it('is told a forged token is one, all the same', async () => {
      const verifier = await aVerifier()
      issuer.isDown = true
      await issuer.clock.advance(60)
      const answer = await refusal(verifier, `${(await issuer.signTestToken()).slice(0, -4)}AAAA`, {
        onStale: 'reject',
      })
      expect(challengeOf(answer)).to.equal('Bearer error="invalid_token"')
    })

    it('waits whole seconds, one at least', () => {
      const retryAfter = (seconds?: number): string | undefined =>
        answerTo(new Refused('issuer_unreachable', '', seconds === undefined ? {} : { retryAfter: seconds })).headers[
          'retry-after'
        ]
      expect([undefined, 0, 0.2, 1, 1.001, 42].map(retryAfter)).to.deep.equal(['5', '1', '1', '1', '2', '42'])
    })
  })

  describe('by the API’s own words', () => {
    const options = { realm: 'orders', resourceMetadata: 'https://api.example/.well-known/oauth-protected-resource' }
    const metadata = `resource_metadata="${options.resourceMetadata}"`

    it('hears the realm and where the API describes itself, in every challenge', async () => {
      const verifier = await aVerifier(options)
      const old = await issuer.signTestToken({ auth_time: 0 })
      const stale = await issuer.signTestToken({ sid: 'stale' })
      issuer.markStale('stale')
      await issuer.clock.advance(0)
      const answers = [
        await refusal(verifier, undefined),
        await refusal(verifier, 'garbage'),
        await refusal(verifier, stale),
        await refusal(verifier, old, { guards: [requireScope('a')] }),
        await refusal(verifier, old, { guards: [requireRecentAuth({ maxAge: 60 })] }),
      ]
      expect(answers.map(challengeOf)).to.deep.equal([
        `Bearer realm="orders", ${metadata}`,
        `Bearer realm="orders", error="invalid_token", ${metadata}`,
        `Bearer realm="orders", error="invalid_token", error_description="The access token is outdated: refresh it", ${metadata}`,
        `Bearer realm="orders", error="insufficient_scope", scope="a", ${metadata}`,
        `Bearer realm="orders", error="insufficient_user_authentication", max_age="60", ${metadata}`,
      ])
    })

    it('can hear one without the other', async () => {
      const { realm, resourceMetadata } = options
      expect(challengeOf(await refusal(await aVerifier({ realm }), undefined))).to.equal('Bearer realm="orders"')
      expect(challengeOf(await refusal(await aVerifier({ resourceMetadata }), undefined))).to.equal(
        `Bearer ${metadata}`,
      )
    })

    it('hears the fixed realm, never the URL that was asked for', async () => {
      const verifier = await aVerifier({ realm: 'orders' })
      const handle = withToken(verifier, () => new Response())
      const url = 'https://api.example/orders?access_token=secret&q="><script>'
      for (const headers of [{}, { authorization: 'Bearer garbage' }]) {
        const response = await handle(new Request(url, { headers }))
        const text = `${[...response.headers].join()} ${await response.text()}`
        expect(text).to.match(/realm="orders"/)
        expect(text).not.to.match(/secret|script|api\.example/)
      }
    })

    it('hears what an own guard says, in the form of a challenge', async () => {
      const verifier = await aVerifier({ realm: 'orders' })
      const answerBy = async (code: RefusedCode, challenge?: Record<string, string>) => {
        const guard: Guard = () => {
          throw new Refused(code, 'for the log', challenge === undefined ? {} : { challenge })
        }
        return refusal(verifier, await issuer.signTestToken(), { guards: [guard] })
      }
      // Without a word of its own each still says what kind of refusal it is.
      expect(challengeOf(await answerBy('insufficient_scope'))).to.equal(
        'Bearer realm="orders", error="insufficient_scope"',
      )
      expect(challengeOf(await answerBy('insufficient_user_authentication', { acr_values: 'gold' }))).to.equal(
        'Bearer realm="orders", error="insufficient_user_authentication", acr_values="gold"',
      )
      expect(challengeOf(await answerBy('insufficient_scope', { scope: 'a"b\\c\r\nX: größe' }))).to.equal(
        'Bearer realm="orders", error="insufficient_scope", scope="a?b?c??X: gr??e"',
      )
      // A token that is not good is that, whoever says so.
      expect(challengeOf(await answerBy('token_revoked', { error_description: 'on the list of 3 May' }))).to.equal(
        'Bearer realm="orders", error="invalid_token"',
      )
      expect((await answerBy('claim_refused')).body).not.to.match(/for the log/)
    })

    it('is left alone with what is no refusal', async () => {
      const verifier = await aVerifier()
      for (const error of [new Error('a bug'), new TypeError('fetch failed'), undefined, 'text', { status: 401 }]) {
        expect(() => verifier.answer(error))
          .to.throw()
          .that.equals(error)
      }
    })
  })

  describe('by the form of the header', () => {
    /** By an adapter on Web requests, and by one on Node's. */
    async function ask(headers: Record<string, string>, path = '/', body?: string): Promise<[string, string | null][]> {
      const verifier = open[0] ?? (await aVerifier())
      const method = body === undefined ? 'GET' : 'POST'
      const handle = withToken(verifier, (_request, { sub }) => new Response(sub))
      const web = await handle(
        new Request(`http://api.example${path}`, { method, headers, ...(body === undefined ? {} : { body }) }),
      )
      const node = await sendRawRequest(url, { method, path, headers, ...(body === undefined ? {} : { body }) })
      return [
        [`${web.status}`, web.headers.get('www-authenticate')],
        [`${node.status}`, node.headers['www-authenticate'] ?? null],
      ]
    }

    let server: Server
    let url: string
    beforeEach(async () => {
      const app = new Koa()
      app.use(requireToken(await aVerifier()))
      app.use((ctx) => (ctx.body = ctx.state.accessToken.sub))
      server = app.listen(0, '127.0.0.1')
      await once(server, 'listening')
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    afterEach(() => {
      server.close()
      server.closeAllConnections()
    })

    const both = (status: string, challenge: string | null): [string, string | null][] => [
      [status, challenge],
      [status, challenge],
    ]

    it('is let in however the scheme is written, and however many spaces follow', async () => {
      const token = await issuer.signTestToken()
      for (const header of [
        `bearer ${token}`,
        `BEARER ${token}`,
        `bEaReR ${token}`,
        `Bearer    ${token}`,
        `  Bearer ${token}  `,
      ]) {
        expect(await ask({ authorization: header }), header.slice(0, 12)).to.deep.equal(both('200', null))
      }
    })

    it('has sent no token with another scheme, or without a scheme', async () => {
      const token = await issuer.signTestToken()
      for (const header of [
        `Basic ${token}`,
        'Basic dXNlcjpwYXNzd29yZA==',
        `DPoP ${token}`,
        `BearerX ${token}`,
        `Bearer:${token}`,
        `Bearer\t${token}`,
        'Negotiate',
        'Bearer',
        token,
      ]) {
        expect(await ask({ authorization: header }), header.slice(0, 12)).to.deep.equal(both('401', 'Bearer'))
      }
    })

    it('has sent something that is no token', async () => {
      const token = await issuer.signTestToken()
      const bad = 'Bearer error="invalid_token"'
      for (const header of [
        `Bearer "${token}"`,
        `Bearer ${token} ${token}`,
        `Bearer Bearer ${token}`,
        `Bearer ${token},`,
        `Bearer ${token}, Bearer ${token}`,
        `Bearer token="${token}"`,
        'Bearer null',
        'Bearer undefined',
      ]) {
        expect(await ask({ authorization: header }), header.slice(0, 12)).to.deep.equal(both('401', bad))
      }
    })

    it('has sent no token in the query, in a form, in a cookie or in another header', async () => {
      const token = await issuer.signTestToken()
      const none = both('401', 'Bearer')
      expect(await ask({}, `/?access_token=${token}`)).to.deep.equal(none)
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      expect(await ask(form, '/', `access_token=${token}`)).to.deep.equal(none)
      expect(await ask({ cookie: `access_token=${token}; __Host-hallpass=${token}` })).to.deep.equal(none)
      expect(await ask({ 'proxy-authorization': `Bearer ${token}`, 'x-access-token': token })).to.deep.equal(none)
      expect(await ask({ 'sec-websocket-protocol': `bearer.${token}` })).to.deep.equal(none)
    })

    it('has sent two headers, and meant neither', async () => {
      const [one, other] = [await issuer.signTestToken(), await issuer.signTestToken({ sub: 'user-2' })]
      for (const authorization of [
        [`Bearer ${one}`, `Bearer ${other}`],
        [`Bearer ${one}`, `Bearer ${one}`],
        ['Basic dXNlcjpwYXNzd29yZA==', `Bearer ${one}`],
        [`Bearer ${one}`, ''],
      ]) {
        const { status, headers } = await sendRawRequest(url, { path: '/', headers: { authorization } })
        expect([status, headers['www-authenticate']]).to.deep.equal([401, 'Bearer error="invalid_token"'])
      }
      const twice = new Headers([
        ['authorization', `Bearer ${one}`],
        ['authorization', `Bearer ${other}`],
      ])
      const handle = withToken(open[0] as Verifier, () => new Response())
      const response = await handle(new Request('https://api.example/', { headers: twice }))
      expect(response.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
    })
  })
})
