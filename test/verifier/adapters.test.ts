/** One specification for every adapter, in the framework it is for. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { text } from 'node:stream/consumers'
import Router from '@koa/router'
import { expect } from 'chai'
import express, { type ErrorRequestHandler } from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import {
  Refused,
  requireClaim,
  requireRecentAuth,
  requireScope,
  type AccessTokenClaims,
  type Guard,
  type Verifier,
} from 'hallpass/verifier'
import * as forExpress from 'hallpass/verifier/express'
import * as forFastify from 'hallpass/verifier/fastify'
import { withToken } from 'hallpass/verifier/fetch'
import * as forHono from 'hallpass/verifier/hono'
import * as forKoa from 'hallpass/verifier/koa'
import { createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'
import { sendRawRequest } from '../support/raw-request.ts'

const read = { guards: [requireScope('orders:read')] }
const recent = { guards: [requireRecentAuth({ maxAge: 600 })] }
const pro = { guards: [requireClaim('plan', 'pro')] }
const strict = { onStale: 'reject' } as const
const fault = new Error('a fault of the API')
const faulty: { guards: Guard[] } = {
  guards: [
    () => {
      throw fault
    },
  ],
}

/** What the handlers of an API saw. */
interface Seen {
  readonly tokens: AccessTokenClaims[]
  readonly orders: string[]
  readonly bodies: unknown[]
  /** Errors that came to the framework's own place for them. */
  readonly errors: unknown[]
}

interface Api {
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Where it listens, if it does. */
  readonly url: string
  close(): Promise<unknown>
}

/**
 * The same API in each framework:
 * `GET /me`, `GET /orders/:id` (scope), `POST /orders` (scope, then a body), `DELETE /account` (recent
 * authentication), `GET /pro` (claim), `GET /strict`, `GET /broken` (the handler throws), `GET /faulty` (a guard
 * does). Everything answers with `x-earlier`, set before the token is looked at, where a framework has such a place.
 */
type Build = (verifier: Verifier, seen: Seen) => Promise<Api>

const BUILDS: Record<string, Build> = {
  async Koa(verifier, seen) {
    const app = new Koa()
    app.silent = true
    app.use(async (ctx, next) => {
      ctx.set('x-earlier', 'kept')
      try {
        await next()
      } catch (error) {
        seen.errors.push(error)
        ctx.status = 500
        ctx.body = 'own words'
      }
    })
    const router = new Router()
    const { requireToken } = forKoa
    const greet = (ctx: Koa.ParameterizedContext<forKoa.TokenState>): void => {
      seen.tokens.push(ctx.state.accessToken)
      ctx.body = { sub: ctx.state.accessToken.sub }
    }
    router.get('/me', requireToken(verifier), greet)
    router.get('/orders/:id', requireToken(verifier, read), (ctx) => {
      seen.orders.push(`${ctx.params['id']} of ${ctx.state.accessToken.sub satisfies string}`)
      ctx.body = {}
    })
    router.post('/orders', requireToken(verifier, read), async (ctx) => {
      seen.bodies.push(JSON.parse(await text(ctx.req)))
      ctx.body = {}
    })
    router.delete('/account', requireToken(verifier, recent), greet)
    router.get('/pro', requireToken(verifier, pro), greet)
    router.get('/strict', requireToken(verifier, strict), greet)
    router.get('/broken', requireToken(verifier), () => {
      throw fault
    })
    router.get('/faulty', requireToken(verifier, faulty), greet)
    app.use(router.routes())
    return listen(app.callback())
  },

  async Express(verifier, seen) {
    const app = express()
    app.use((_request, response, next) => {
      response.set('x-earlier', 'kept')
      next()
    })
    const { requireToken } = forExpress
    const greet: express.RequestHandler = (_request, response) => {
      seen.tokens.push(response.locals.accessToken)
      response.json({ sub: response.locals.accessToken.sub })
    }
    app.get('/me', requireToken(verifier), greet)
    app.get('/orders/:id', requireToken(verifier, read), (request, response) => {
      seen.orders.push(`${request.params.id satisfies string} of ${response.locals.accessToken.sub satisfies string}`)
      response.json({})
    })
    app.post<object, object, { n: number }>(
      '/orders',
      requireToken(verifier, read),
      express.json(),
      (request, response) => {
        seen.bodies.push(request.body)
        response.json({ n: request.body.n satisfies number })
      },
    )
    app.delete('/account', requireToken(verifier, recent), greet)
    app.get('/pro', requireToken(verifier, pro), greet)
    app.get('/strict', requireToken(verifier, strict), greet)
    app.get('/broken', requireToken(verifier), () => {
      throw fault
    })
    app.get('/faulty', requireToken(verifier, faulty), greet)
    const answerErrors: ErrorRequestHandler = (error, _request, response, _next) => {
      seen.errors.push(error)
      response.status(500).send('own words')
    }
    app.use(answerErrors)
    return listen(app)
  },

  async Fastify(verifier, seen) {
    const app = aFastify(verifier, seen)
    await app.listen({ host: '127.0.0.1', port: 0 })
    return overHttp(app.server, () => app.close())
  },

  async Hono(verifier, seen) {
    const app = new Hono()
    app.use(async (c, next) => {
      c.header('x-earlier', 'kept')
      await next()
    })
    const { requireToken } = forHono
    app.get('/me', requireToken(verifier), (c) => {
      seen.tokens.push(c.var.accessToken)
      return c.json({ sub: c.var.accessToken.sub satisfies string })
    })
    app.get('/orders/:id', requireToken(verifier, read), (c) => {
      seen.orders.push(`${c.req.param('id') satisfies string} of ${c.var.accessToken.sub}`)
      return c.json({})
    })
    app.post('/orders', requireToken(verifier, read), async (c) => {
      seen.bodies.push(await c.req.json())
      return c.json({})
    })
    const greet = (c: { var: { accessToken: AccessTokenClaims } }): Response => {
      seen.tokens.push(c.var.accessToken)
      return Response.json({ sub: c.var.accessToken.sub })
    }
    app.delete('/account', requireToken(verifier, recent), greet)
    app.get('/pro', requireToken(verifier, pro), greet)
    app.get('/strict', requireToken(verifier, strict), greet)
    app.get('/broken', requireToken(verifier), () => {
      throw fault
    })
    app.get('/faulty', requireToken(verifier, faulty), greet)
    app.onError((error, c) => {
      seen.errors.push(error)
      return c.text('own words', 500)
    })
    return onTheWeb((request) => app.fetch(request))
  },

  async fetch(verifier, seen) {
    type Env = { readonly name: string }
    const greet = (_request: Request, token: AccessTokenClaims, env: Env): Response => {
      seen.tokens.push(token)
      return Response.json({ sub: token.sub, env: env.name })
    }
    const routes: Record<string, (request: Request, env: Env) => Promise<Response>> = {
      '/me': withToken(verifier, greet),
      '/account': withToken(verifier, greet, recent),
      '/pro': withToken(verifier, greet, pro),
      '/strict': withToken(verifier, greet, strict),
      '/faulty': withToken(verifier, greet, faulty),
      '/broken': withToken(verifier, () => {
        throw fault
      }),
      '/orders': withToken(
        verifier,
        async (request) => {
          seen.bodies.push(await request.json())
          return Response.json({})
        },
        read,
      ),
    }
    const order = (id: string) =>
      withToken(
        verifier,
        (_request, { sub }) => {
          seen.orders.push(`${id} of ${sub}`)
          return Response.json({})
        },
        read,
      )
    return onTheWeb(async (request) => {
      const { pathname } = new URL(request.url)
      const [, id] = /^\/orders\/(.+)$/.exec(pathname) ?? []
      const route = id === undefined ? routes[pathname] : order(id)
      return (route as NonNullable<typeof route>)(request, { name: 'test' }).catch((error: unknown) => {
        seen.errors.push(error)
        return new Response('own words', { status: 500 })
      })
    })
  },
}

function aFastify(verifier: Verifier, seen: Seen) {
  const app = Fastify()
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-earlier', 'kept'))
  const { requireToken } = forFastify
  const greet = (request: { accessToken: AccessTokenClaims }): object => {
    seen.tokens.push(request.accessToken)
    return { sub: request.accessToken.sub }
  }
  app.get('/me', { onRequest: requireToken(verifier) }, greet)
  app.get<{ Params: { id: string } }>('/orders/:id', { onRequest: requireToken(verifier, read) }, (request) => {
    seen.orders.push(`${request.params.id satisfies string} of ${request.accessToken.sub satisfies string}`)
    return {}
  })
  app.post<{ Body: { n: number }; Reply: { 200: { n: number } } }>(
    '/orders',
    { onRequest: requireToken(verifier, read) },
    async (request, reply) => {
      seen.bodies.push(request.body)
      return reply.code(200).send({ n: request.body.n })
    },
  )
  app.delete('/account', { preHandler: requireToken(verifier, recent) }, greet)
  app.get('/pro', { onRequest: [requireToken(verifier), requireToken(verifier, pro)] }, greet)
  app.get('/strict', { onRequest: requireToken(verifier, strict) }, greet)
  app.get('/broken', { onRequest: requireToken(verifier) }, () => {
    throw fault
  })
  app.get('/faulty', { onRequest: requireToken(verifier, faulty) }, greet)
  app.setErrorHandler((error, _request, reply) => {
    seen.errors.push(error)
    return reply.code(500).send('own words')
  })
  return app
}

async function listen(listener: (...request: Parameters<RequestListener>) => unknown): Promise<Api> {
  const server = createServer((request, response) => void listener(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return overHttp(server, async () => {
    server.close()
    server.closeAllConnections()
  })
}

function overHttp(server: Server, close: () => Promise<unknown>): Api {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { ask: (path, init) => fetch(url + path, init), url, close }
}

const onTheWeb = (handle: (request: Request) => Response | Promise<Response>): Api => ({
  ask: async (path, init) => handle(new Request(`https://api.example${path}`, init)),
  url: 'https://api.example',
  close: async () => undefined,
})

for (const [name, build] of Object.entries(BUILDS)) {
  const isOnWire = !['Hono', 'fetch'].includes(name)

  describe(`The adapter for ${name}`, () => {
    let issuer: TestIssuer
    let verifier: Verifier
    let api: Api
    let seen: Seen
    beforeEach(async () => {
      issuer = await createTestIssuer()
      verifier = issuer.createVerifier({ realm: 'orders' })
      await verifier.ready()
      seen = { tokens: [], orders: [], bodies: [], errors: [] }
      api = await build(verifier, seen)
    })
    afterEach(async () => {
      verifier.close()
      await api.close()
    })

    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
    const askWith = async (path: string, claims: object = {}, init: RequestInit = {}): Promise<Response> => {
      const token = await issuer.signTestToken({ ...claims })
      return api.ask(path, { ...init, headers: { ...bearer(token), ...(init.headers as object) } })
    }
    const expectNothingHappened = (): void =>
      void expect(seen).to.deep.equal({ tokens: [], orders: [], bodies: [], errors: [] })

    /** In full, and nothing of the API ran. */
    async function expectRefused(response: Response, status: number, code: string, challenge: string | null) {
      const body = (await response.json()) as Record<string, unknown>
      expect(body).to.have.all.keys('type', 'title', 'status', 'detail', 'code')
      expect(body).to.include({ status, code })
      expect(response.status).to.equal(status)
      expect(response.headers.get('content-type')).to.match(/^application\/problem\+json(;|$)/)
      expect(response.headers.get('cache-control')).to.equal('no-store')
      expect(response.headers.get('www-authenticate')).to.equal(challenge)
      expectNothingHappened()
    }

    it('lets a good token pass, and hands its claims to the handler', async () => {
      const response = await askWith('/me', { sub: 'user-7', plan: 'pro', roles: ['editor'] })
      expect(response.status).to.equal(200)
      expect(await response.json()).to.include({ sub: 'user-7' })
      expect(response.headers.get('www-authenticate')).to.equal(null)
      expect(seen.tokens).to.have.lengthOf(1)
      expect(seen.tokens[0]).to.deep.include({
        sub: 'user-7',
        sid: 'session-1',
        plan: 'pro',
        roles: ['editor'],
        iss: issuer.issuer,
      })
    })

    it('keeps the claims of many requests at once apart', async () => {
      const people = Array.from({ length: 20 }, (_, index) => `user-${index}`)
      const answers = await Promise.all(
        people.map(async (sub) => ((await (await askWith('/me', { sub })).json()) as { sub: string }).sub),
      )
      expect(answers).to.deep.equal(people)
    })

    it('asks for a token where there is none', async () => {
      await expectRefused(await api.ask('/me'), 401, 'invalid_access_token', 'Bearer realm="orders"')
    })

    it('refuses a token that is not good', async () => {
      const challenge = 'Bearer realm="orders", error="invalid_token"'
      for (const bad of ['garbage', await issuer.signTestToken({ aud: 'https://other.example' })]) {
        await expectRefused(await api.ask('/me', { headers: bearer(bad) }), 401, 'invalid_access_token', challenge)
      }
      const token = await issuer.signTestToken()
      issuer.revoke('session-1')
      await issuer.clock.advance(0)
      await expectRefused(await api.ask('/me', { headers: bearer(token) }), 401, 'invalid_access_token', challenge)
    })

    it('answers HEAD without a body', async () => {
      const response = await api.ask('/me', { method: 'HEAD' })
      expect(response.status).to.equal(401)
      if (isOnWire) expect(await response.text()).to.equal('')
      expectNothingHappened()
    })

    it('lets pass with the scope, and refuses without', async () => {
      expect((await askWith('/orders/4711', { scope: 'profile orders:read' })).status).to.equal(200)
      expect(seen.orders.splice(0)).to.deep.equal(['4711 of user-1'])
      const challenge = 'Bearer realm="orders", error="insufficient_scope", scope="orders:read"'
      await expectRefused(await askWith('/orders/4711', { scope: 'profile' }), 403, 'insufficient_scope', challenge)
    })

    it('reads the body of whom it let pass', async () => {
      const init = { method: 'POST', body: '{"n":1}', headers: { 'content-type': 'application/json' } }
      expect((await askWith('/orders', { scope: 'orders:read' }, init)).status).to.equal(200)
      expect(seen.bodies).to.deep.equal([{ n: 1 }])
    })

    it('asks for a confirmation', async () => {
      const old = { auth_time: Math.floor(issuer.clock.now() / 1000) - 601 }
      const challenge = 'Bearer realm="orders", error="insufficient_user_authentication", max_age="600"'
      const refused = await askWith('/account', old, { method: 'DELETE' })
      await expectRefused(refused, 401, 'insufficient_user_authentication', challenge)
      expect((await askWith('/account', {}, { method: 'DELETE' })).status).to.equal(200)
    })

    it('refuses an account without a challenge', async () => {
      await expectRefused(await askWith('/pro', { plan: 'free' }), 403, 'forbidden', null)
      expect((await askWith('/pro', { plan: 'pro' })).status).to.equal(200)
    })

    it('answers 503 while nobody can know', async () => {
      issuer.isDown = true
      await issuer.clock.advance(60)
      const response = await askWith('/strict')
      expect(response.headers.get('retry-after')).to.equal('5')
      await expectRefused(response, 503, 'temporarily_unavailable', null)
      expect((await askWith('/me')).status).to.equal(200)
    })

    if (name !== 'fetch')
      it('keeps what was said before it, in an answer of its own as well', async () => {
        for (const response of [await askWith('/me'), await api.ask('/me'), await askWith('/pro')]) {
          expect(response.headers.get('x-earlier')).to.equal('kept')
        }
      })

    it('leaves an error of the handler to the framework', async () => {
      const response = await askWith('/broken')
      expect(response.status).to.equal(500)
      expect(await response.text()).to.equal('own words')
      expect(seen.errors).to.have.lengthOf(1)
      expect(seen.errors[0]).to.equal(fault)
    })

    it('leaves an error of a guard to the framework, and lets nobody pass by it', async () => {
      const response = await askWith('/faulty')
      expect(response.status).to.equal(500)
      expect(await response.text()).to.equal('own words')
      expect(seen.errors).to.have.lengthOf(1)
      expect(seen.errors[0]).to.equal(fault)
      expect(seen.tokens).to.be.empty
    })

    if (isOnWire)
      it('refuses before it has read a body', async () => {
        const { port } = new URL(api.url)
        const headers = { 'content-type': 'application/json', 'content-length': '100000' }
        const outgoing = httpRequest({ host: '127.0.0.1', port, path: '/orders', method: 'POST', headers })
        outgoing.write('{"n":') // and no more, ever
        const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
        expect(response.statusCode).to.equal(401)
        outgoing.on('error', () => undefined).destroy()
        expectNothingHappened()
      })

    if (isOnWire)
      it('takes two credentials for none', async () => {
        const authorization = [`Bearer ${await issuer.signTestToken()}`, `Bearer ${await issuer.signTestToken()}`]
        const { status } = await sendRawRequest(api.url, { path: '/me', headers: { authorization } })
        expect(status).to.equal(401)
        expectNothingHappened()
      })
  })
}

describe('The adapters for Node', () => {
  let issuer: TestIssuer
  let verifier: Verifier
  beforeEach(async () => {
    issuer = await createTestIssuer()
    verifier = issuer.createVerifier()
    await verifier.ready()
  })
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    verifier.close()
    for (const close of closing.splice(0)) await close()
  })

  it('take a request that never was on a wire: Fastify’s inject', async () => {
    const app = aFastify(verifier, { tokens: [], orders: [], bodies: [], errors: [] })
    closing.push(() => app.close())
    const ask = async (headers: Record<string, string | string[]>) =>
      (await app.inject({ url: '/me', headers })).statusCode
    const authorization = `Bearer ${await issuer.signTestToken()}`
    expect(await ask({})).to.equal(401)
    expect(await ask({ authorization })).to.equal(200)
  })

  it('take a request that a platform has put together, without raw headers', async () => {
    const seen: (number | string)[] = []
    const response = {
      locals: {} as { accessToken: AccessTokenClaims },
      writeHead: (status: number) => ({ end: () => seen.push(status) }),
    }
    const handler = forExpress.requireToken(verifier)
    const authorization = `Bearer ${await issuer.signTestToken()}`
    await handler({ headers: {} }, response, () => seen.push('next'))
    await handler({ headers: { authorization }, rawHeaders: [] }, response, () => seen.push('next'))
    expect(seen).to.deep.equal([401, 'next'])
  })

  const OVER_HTTP2: Record<string, (verifier: Verifier) => Promise<[Server, () => Promise<unknown>]>> = {
    async Koa(verifier) {
      const app = new Koa()
      app.silent = true
      app.use(forKoa.requireToken(verifier)).use((ctx) => (ctx.body = ctx.state.accessToken.sub))
      const callback = app.callback()
      const server = createHttp2Server((request, response) => void callback(request, response)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return [server, async () => server.close()]
    },
    async Fastify(verifier) {
      const app = Fastify({ http2: true })
      app.get('/', { onRequest: forFastify.requireToken(verifier) }, async (request) => request.accessToken.sub)
      await app.listen({ host: '127.0.0.1', port: 0 })
      return [app.server, () => app.close()]
    },
  }
  for (const [name, serve] of Object.entries(OVER_HTTP2)) {
    it(`speak HTTP/2: ${name}`, async () => {
      const [server, close] = await serve(verifier)
      const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      closing.push(() => client.destroy(), close)
      const ask = async (headers: Record<string, string>): Promise<[unknown, string]> => {
        const stream = client.request({ ':path': '/', ...headers })
        const [[answer], body] = await Promise.all([
          once(stream, 'response') as Promise<[Record<string, unknown>]>,
          text(stream),
        ])
        return [answer[':status'], body]
      }
      const [status, body] = await ask({})
      expect([status, JSON.parse(body)]).to.deep.include(401)
      expect(await ask({ authorization: `Bearer ${await issuer.signTestToken()}` })).to.deep.equal([200, 'user-1'])
    })
  }

  it('can stand in front of everything, and again in front of a route', async () => {
    const app = new Koa()
    app.use(forKoa.requireToken(verifier))
    const router = new Router<forKoa.TokenState>()
    router.get('/me', (ctx) => (ctx.body = ctx.state.accessToken.sub satisfies string))
    router.get('/orders', forKoa.requireToken(verifier, read), (ctx) => (ctx.body = ctx.state.accessToken.sub))
    app.use(router.routes())
    const api = await listen(app.callback())
    closing.push(() => api.close())
    const headers = { authorization: `Bearer ${await issuer.signTestToken()}` }
    const status = async (path: string, init: RequestInit = {}) => (await api.ask(path, init)).status
    expect(await status('/me')).to.equal(401)
    expect(await status('/nowhere')).to.equal(401)
    expect(await status('/me', { headers })).to.equal(200)
    expect(await status('/orders', { headers })).to.equal(403)
  })

  it('leave a refusal that a handler throws to the API, which can have it answered', async () => {
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        const { status, headers, body } = verifier.answer(error)
        ctx.status = status
        ctx.set(headers)
        ctx.body = body
      }
    })
    app.use(forKoa.requireToken(verifier))
    app.use(() => {
      throw new Refused('claim_refused', 'this order is somebody else’s')
    })
    const api = await listen(app.callback())
    closing.push(() => api.close())
    const response = await api.ask('/', { headers: { authorization: `Bearer ${await issuer.signTestToken()}` } })
    expect(response.status).to.equal(403)
    expect(await response.json()).to.include({ code: 'forbidden' })
  })
})
