import { expect } from 'chai'
import type { ClientOptions } from 'hallpass/client'
import { paths } from '../../src/protocol/paths.ts'
import { useFakeTime } from '../support/fake-time.ts'
import { aClient, aSignedInDevice, codeOf, MINUTE, SECOND, type Device } from './clients.ts'
import { createNotebook } from './notebook.ts'
import { createScriptedService, fail, ISSUER, say } from './scripted-service.ts'

const API = 'https://api.example'

interface Sent {
  readonly url: string
  readonly authorization: string | null
  readonly headers: Headers
  readonly init: RequestInit | undefined
}

describe('client.fetch', () => {
  const time = useFakeTime()
  let service: ReturnType<typeof createScriptedService>
  let device: Device
  let sent: Sent[]
  let answer: (request: Sent) => Response | Promise<Response>

  const everywhere: typeof fetch = (input, init) => {
    const url = input instanceof Request ? input.url : input.toString()
    const { pathname } = URL.canParse(url) ? new URL(url) : { pathname: url }
    if (url.startsWith(ISSUER) && Object.values<string>(paths).includes(pathname)) return service.fetch(input, init)
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    const request = { url, headers, authorization: headers.get('authorization'), init }
    sent.push(request)
    if (input instanceof Request) void input.arrayBuffer() // as sending does
    return Promise.resolve(request).then((each) => answer(each))
  }
  const options: Omit<Partial<ClientOptions>, 'storage'> = {
    apis: [API, 'http://localhost:8080/some/path'],
    fetch: everywhere,
  }

  beforeEach(async () => {
    service = createScriptedService()
    sent = []
    answer = () => new Response('fine')
    device = await aSignedInDevice(service, options)
  })

  const send: typeof fetch = (input, init) => device.client.fetch(input, init)
  const tokenSentTo = async (input: string | URL | Request): Promise<string | null> => {
    await send(input).catch(() => undefined)
    return sent.at(-1)?.authorization ?? null
  }

  describe('sends the access token', () => {
    for (const input of [
      API,
      `${API}/`,
      `${API}/orders?page=2#top`,
      'https://api.example:443/orders',
      'HTTPS://API.EXAMPLE/orders',
      ' https://api.example/orders ',
      'https:api.example/orders',
      'https:\\\\api.example\\orders',
      'https://aPi.ex%61mple/orders',
      'https://evil.example@api.example/orders',
      'http://localhost:8080/other/path',
      `${ISSUER}/somewhere/else`,
      new URL('/orders', API),
      new Request(`${API}/orders`),
    ]) {
      it(`to ${input instanceof Request ? `a Request of ${input.url}` : `${input as string}`}`, async () => {
        expect(await tokenSentTo(input)).to.equal(`Bearer ${await device.client.getAccessToken()}`)
      })
    }

    it('with everything else that was asked for', async () => {
      const signal = new AbortController().signal
      await send(`${API}/orders`, { method: 'POST', body: '{}', headers: { 'X-Trace': '7' }, signal })
      const [{ headers, init }] = sent as [Sent]
      expect(headers.get('x-trace')).to.equal('7')
      expect(init).to.include({ method: 'POST', body: '{}', signal })
    })

    it('with the headers of a Request, and rather with those beside it', async () => {
      const request = new Request(API, { headers: { 'X-Trace': 'inside' } })
      await send(request)
      await send(request, { headers: { 'X-Trace': 'beside' } })
      expect(sent.map(({ headers }) => headers.get('x-trace'))).to.deep.equal(['inside', 'beside'])
    })

    it('that is fresh: an old one is replaced first', async () => {
      const before = await device.client.getAccessToken()
      time.sleep(10 * MINUTE)
      expect(await tokenSentTo(API)).not.to.equal(`Bearer ${before}`)
      expect(service.refreshes).to.have.length(1)
    })
  })

  describe('sends no access token', () => {
    for (const input of [
      'https://evil.example/',
      'http://api.example/', // not encrypted
      'https://api.example:8443/',
      'https://api.example.evil.example/',
      'https://evil-api.example/',
      'https://sub.api.example/',
      'https://api.example./',
      'https://api.example@evil.example/',
      'https://api.example:pass@evil.example/',
      'https://api.example%40evil.example/',
      'https://evil.example\\@api.example/',
      'https://evil.example/https://api.example/',
      'https://evil.example?https://api.example',
      'https://evil.example#@api.example',
      '//api.example/', // relative to nothing
      '/orders',
      'data:text/plain,https://api.example',
      'http://localhost/',
      'http://localhost:8081/',
      'http://127.0.0.1:8080/',
      new URL('https://evil.example/'),
      new Request('https://evil.example/'),
      new Request('https://evil.example/', { headers: { referer: API } }),
    ]) {
      it(`to ${input instanceof Request ? `a Request of ${input.url}` : `${input as string}`}`, async () => {
        expect(await tokenSentTo(input)).to.equal(null)
      })
    }

    it('in place of one that the caller chose', async () => {
      await send(API, { headers: { authorization: 'Bearer mine' } })
      await send(API, { headers: [['AUTHORIZATION', 'Basic eDp5']] })
      await send(new Request(API, { headers: { authorization: 'Bearer also-mine' } }))
      expect(sent.map(({ authorization }) => authorization)).to.deep.equal([
        'Bearer mine',
        'Basic eDp5',
        'Bearer also-mine',
      ])
    })

    it('when nobody is signed in: what anybody may see is seen', async () => {
      const client = aClient(service, { ...options, storage: createNotebook() })
      expect(await (await client.fetch(`${API}/news`)).text()).to.equal('fine')
      expect(sent.at(-1)?.authorization).to.equal(null)
    })
  })

  describe('from a page, where an address may be relative', () => {
    const names = ['document', 'location']
    afterEach(() => {
      for (const name of names) Reflect.deleteProperty(globalThis, name)
    })
    /** @param base as `<base href>` has it; without one, the page itself */
    function pageAt(href: string, base?: string): void {
      Object.assign(globalThis, { location: { href }, document: { visibilityState: 'visible', baseURI: base ?? href } })
    }

    for (const [name, href, base, expected] of [
      ['an API’s own page', `${API}/page`, undefined, true],
      ['a page of somebody else', 'https://evil.example/page', undefined, false],
      ['an API’s own page with a base elsewhere', `${API}/page`, 'https://cdn.example/', false],
      ['a page of somebody else with a base at an API', 'https://shop.example/page', `${API}/`, true],
    ] as const) {
      for (const input of ['orders', '/orders', '?page=2']) {
        it(`has ${expected ? 'the' : 'no'} token for ${input} of ${name}`, async () => {
          pageAt(href, base)
          const expectation = expected ? `Bearer ${await device.client.getAccessToken()}` : null
          expect(await tokenSentTo(input)).to.equal(expectation)
        })
      }
    }

    it('knows a worker by its location', async () => {
      Object.assign(globalThis, { location: { href: `${API}/worker.js` } })
      expect(await tokenSentTo('/orders')).to.equal(`Bearer ${await device.client.getAccessToken()}`)
    })
  })

  it('sends nothing at all when no token can be had now', async () => {
    service.always(paths.token, fail)
    time.sleep(10 * MINUTE)
    expect(await codeOf(send(API))).to.equal('unavailable')
    expect(sent).to.be.empty
  })

  it('fails as the network does', async () => {
    answer = () => {
      throw new TypeError('fetch failed')
    }
    const error = await send(API).catch((cause: unknown) => cause)
    expect(error).to.be.instanceOf(TypeError)
    expect(sent).to.have.length(1)
  })

  describe('when an API refuses the token', () => {
    const refuse = (challenge?: string): Response =>
      new Response('', { status: 401, headers: challenge === undefined ? {} : { 'www-authenticate': challenge } })
    const INVALID = 'Bearer error="invalid_token"'

    /** It knows only tokens that are newer. */
    const refuseOld = (challenge?: string): void => {
      const old = new Set<string | null>()
      void device.client.getAccessToken().then((token) => old.add(`Bearer ${token}`))
      answer = ({ authorization }) => (old.has(authorization) ? refuse(challenge) : new Response('fine'))
    }

    for (const challenge of [
      INVALID,
      'Bearer realm="x", error="invalid_token", error_description="expired"',
      undefined,
    ]) {
      it(`gets another, and repeats the request once: ${challenge ?? 'no challenge that a script may see'}`, async () => {
        refuseOld(challenge)
        const response = await send(`${API}/orders`, { method: 'POST', body: '{"a":1}' })
        expect(response.status).to.equal(200)
        expect(service.refreshes).to.have.length(1)
        expect(sent).to.have.length(2)
        expect(sent[1]?.init).to.include({ method: 'POST', body: '{"a":1}' })
        expect(sent[1]?.authorization).not.to.equal(sent[0]?.authorization)
      })
    }

    for (const challenge of [
      'Bearer error="insufficient_scope", scope="admin"',
      'Bearer error="insufficient_user_authentication", max_age="600"',
      'Basic realm="something else"',
    ]) {
      it(`gives the answer back where another token is no help: ${challenge}`, async () => {
        answer = () => refuse(challenge)
        expect((await send(API)).status).to.equal(401)
        expect(service.refreshes).to.be.empty
        expect(sent).to.have.length(1)
      })
    }

    it('gives back the second refusal', async () => {
      answer = () => refuse(INVALID)
      expect((await send(API)).status).to.equal(401)
      expect(sent).to.have.length(2)
    })

    it('repeats no stream, which can be read once', async () => {
      const stream = (): ReadableStream => new Blob(['a lot']).stream()
      for (const ask of [
        () => send(API, { method: 'POST', body: stream(), duplex: 'half' } as RequestInit),
        () => send(new Request(API, { method: 'POST', body: 'a body of a Request is one' })),
      ]) {
        sent = []
        refuseOld(INVALID)
        await time.settle()
        expect((await ask()).status).to.equal(401)
        expect(sent).to.have.length(1)
        await time.pass(5 * MINUTE)
      }
    })

    it('repeats no Request whose body was sent, also where a Request shows none, as Firefox’s', async () => {
      const request = new Request(API, { method: 'POST', body: 'a body of a Request is a stream' })
      Object.defineProperty(request, 'body', { value: undefined })
      refuseOld(INVALID)
      await time.settle()
      expect((await send(request)).status).to.equal(401)
      expect(sent).to.have.length(1)
    })

    it('repeats a Request that has no body', async () => {
      refuseOld(INVALID)
      await time.settle()
      expect((await send(new Request(API))).status).to.equal(200)
      expect(sent).to.have.length(2)
    })

    it('repeats what can be read again', async () => {
      for (const body of [new URLSearchParams({ a: '1' }), new FormData(), new Blob(['x']), new Uint8Array(3)]) {
        refuseOld(INVALID)
        await time.settle()
        expect((await send(API, { method: 'POST', body })).status, body.constructor.name).to.equal(200)
        await time.pass(MINUTE)
      }
    })

    it('refreshes once for all requests that are refused at once, and repeats them all', async () => {
      refuseOld(INVALID)
      const answers = await Promise.all(Array.from({ length: 10 }, (_, number) => send(`${API}/${number}`)))
      expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 10 }, () => 200))
      expect(service.refreshes).to.have.length(1)
    })

    it('does not refresh for a late refusal of a token that has been replaced', async () => {
      refuseOld(INVALID)
      const known = answer
      let release = (): void => undefined
      const released = new Promise<void>((resolve) => (release = resolve))
      answer = async (request) => {
        const given = known(request)
        if (request.url.endsWith('/slow')) await released
        return given
      }
      const slow = send(`${API}/slow`)
      await time.settle()
      await send(`${API}/quick`)
      release()
      expect((await slow).status).to.equal(200)
      expect(service.refreshes).to.have.length(1)
    })

    it('rests where an API refuses every token: a hundred calls are no hundred refreshes', async () => {
      answer = () => refuse(INVALID)
      for (let calls = 0; calls < 100; calls += 1) {
        expect((await send(API)).status).to.equal(401)
        await time.pass(100)
      }
      expect(service.refreshes.length).to.be.within(1, 6)
    })

    it('tries again after a rest', async () => {
      answer = () => refuse(INVALID)
      await send(API)
      await time.pass(2 * MINUTE)
      refuseOld(INVALID)
      await time.settle()
      expect((await send(API)).status).to.equal(200)
    })

    it('gives the refusal back where no other token can be had now, and nobody is signed out', async () => {
      service.always(paths.token, fail)
      answer = () => refuse(INVALID)
      expect((await send(API)).status).to.equal(401)
      expect(device.client.state.status).to.equal('signed_in')
    })

    it('learns from the refresh that the session is over', async () => {
      service.end(device.sid, 'revoked_by_user')
      answer = () => refuse(INVALID)
      expect((await send(API)).status).to.equal(401)
      await time.settle()
      expect(device.client.state).to.include({ status: 'signed_out', reason: 'revoked_by_user' })
    })

    it('asks the service no sooner than Retry-After says', async () => {
      service.always(paths.token, say(503, {}, { 'retry-after': '60' }))
      answer = () => refuse(INVALID)
      for (let calls = 0; calls < 30; calls += 1) {
        await send(API)
        await time.pass(SECOND)
      }
      expect(service.refreshes).to.have.length(1)
    })
  })
})
