import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { start as startInProcess } from '../../examples/express-own-users/in-process.ts'
import { start as startOverHttp } from '../../examples/express-own-users/over-http.ts'
import { addUser } from '../../examples/express-own-users/users.ts'
import { expectRefusal } from '../support/expectations.ts'
import { callSessions, claimsOf, refresh, send, type Answer } from '../support/people.ts'
import { startServer, type TestServer } from '../support/server.ts'

const PASSWORD = 'correct horse battery staple'
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15'

/** The application as it runs, and where its clients find what they need. */
interface Running {
  readonly app: string
  /** Where Hallpass is. */
  readonly hallpass: string
  /** The application, or an operator, ends every session of one of its users. */
  revokeAll(subject: string, accessToken: string): Promise<unknown>
  stop(): Promise<void>
}

interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
}

function tellTheStory(running: () => Running): void {
  let ada: { id: string; name: string }
  let people = 0
  beforeEach(async () => (ada = await addUser(`ada ${(people += 1)}`, PASSWORD)))

  const signIn = (name: string, password = PASSWORD, userAgent = CHROME): Promise<Answer<Tokens>> =>
    send(`${running().app}/sign-in`, { body: { name, password }, headers: { 'user-agent': userAgent } })

  const orders = (token?: string): Promise<Answer> =>
    send(`${running().app}/orders`, token === undefined ? {} : { token })

  it('signs its own users in, and lets them in with what Hallpass gave', async () => {
    const { status, headers, body } = await signIn(ada.name)
    expect(status).to.equal(201)
    expect(headers.get('cache-control')).to.equal('no-store')
    expect(body).to.include.keys('access_token', 'refresh_token')
    expect(body.expires_in).to.be.within(285, 300)
    expect(claimsOf(body.access_token)).to.deep.include({ amr: ['pwd'], account: ada.id })
    expect(await orders(body.access_token)).to.deep.include({ status: 200, body: { orders: [], account: ada.id } })
  })

  it('lets nobody in without', async () => {
    expect((await signIn(ada.name, 'not the password')).status).to.equal(401)
    expect((await signIn('nobody at all')).status).to.equal(401)
    const { access_token: token } = (await signIn(ada.name)).body
    for (const bad of [undefined, 'garbage', `${token.slice(0, -4)}AAAA`]) {
      expect((await orders(bad)).status).to.equal(401)
    }
  })

  it('leaves refreshing to Hallpass, and the claim stays', async () => {
    const { body } = await signIn(ada.name)
    const refreshed = await refresh(running().hallpass, body.refresh_token)
    expect(refreshed.status).to.equal(200)
    expect((await orders(refreshed.body.access_token)).body['account']).to.equal(ada.id)
  })

  it('has two devices of one user, each told by what the browser sent and where it was', async () => {
    const chrome = (await signIn(ada.name)).body
    const safari = (await signIn(ada.name, PASSWORD, SAFARI)).body
    expect(claimsOf(safari.access_token)['sub']).to.equal(claimsOf(chrome.access_token)['sub'])
    const { body } = await callSessions(running().hallpass, 'GET', '', chrome.access_token)
    const seen = (body['sessions'] as { current: boolean; device: { label: string }; ip: string }[]).map(
      ({ current, device, ip }) => [current, device.label, /^(127\.0\.0\.1|::1)$/.test(ip)],
    )
    expect(seen).to.have.deep.members([
      [true, 'Chrome on Windows', true],
      [false, 'Safari on macOS', true],
    ])
  })

  it('keeps its users apart', async () => {
    const grace = await addUser(`grace ${ada.name}`, PASSWORD)
    const one = (await signIn(ada.name)).body
    const other = (await signIn(grace.name)).body
    expect(claimsOf(other.access_token)['sub']).not.to.equal(claimsOf(one.access_token)['sub'])
    const { body } = await callSessions(running().hallpass, 'GET', '', other.access_token)
    expect(body['sessions']).to.have.lengthOf(1)

    await running().revokeAll(ada.id, one.access_token)
    expect((await refresh(running().hallpass, other.refresh_token)).status).to.equal(200)
  })

  it('signs one device out when its client asks Hallpass', async () => {
    const [one, other] = [(await signIn(ada.name)).body, (await signIn(ada.name)).body]
    expect((await callSessions(running().hallpass, 'DELETE', '/current', one.access_token)).status).to.equal(204)
    expectRefusal(await refresh(running().hallpass, one.refresh_token), 'signed_out')
    expect((await refresh(running().hallpass, other.refresh_token)).status).to.equal(200)
  })

  it('can put somebody out itself, and the refresh says why', async () => {
    const [one, other] = [(await signIn(ada.name)).body, (await signIn(ada.name)).body]
    await running().revokeAll(ada.id, one.access_token)
    for (const { refresh_token: token } of [one, other]) {
      expectRefusal(await refresh(running().hallpass, token), 'revoked_by_admin')
    }
  })
}

describe('An Express application with users of its own', () => {
  describe('that has Hallpass in its process', () => {
    let running: (Running & { started: Awaited<ReturnType<typeof startInProcess>> }) | undefined
    before(async function () {
      this.timeout(60_000)
      const environment = { HALLPASS_DATA_DIR: 'memory://', HALLPASS_RATE_LIMITS: 'off', LOG_LEVEL: 'silent' }
      const [port, started] = await onAFreePort((free) => startInProcess(free, environment))
      const app = `http://localhost:${port}`
      running = {
        app,
        hallpass: `${app}/auth`,
        started,
        revokeAll: (subject) => started.hallpass.sessions.revokeAll(subject),
        stop: () => started.close(),
      }
    })
    after(() => running?.stop())

    const now = () => {
      if (running === undefined) throw new Error('the application has not started')
      return running
    }
    tellTheStory(now)

    it('has the metadata where RFC 8414 looks for those of an issuer with a path', async () => {
      const { body } = await send(`${now().app}/.well-known/oauth-authorization-server/auth`)
      expect(body).to.include({ issuer: now().hallpass, token_endpoint: `${now().hallpass}/oauth/token` })
      expect(now().started.hallpass.issuer).to.equal(now().hallpass)
    })

    it('keeps to its own paths', async () => {
      expect((await send(`${now().app}/auth/orders`)).body).to.include({ code: 'not_found' })
      expect((await send(`${now().app}/v1/sessions`)).status).to.equal(404)
      expect((await send(`${now().app}/auth/v1/sessions`)).status).to.equal(401)
    })
  })

  describe('that has Hallpass beside it', () => {
    let server: TestServer | undefined
    let running: Running | undefined
    before(async function () {
      this.timeout(60_000)
      const hallpass = (server = await startServer('postgresql'))
      const { url, config } = hallpass
      const wanted = { userId: null, name: 'Shop', scope: 'sessions:create', expiresAt: null }
      const made = await hallpass.hallpass.apiKeys.create(wanted, { kind: 'admin', sessionId: null, ip: null })
      if (made === null) throw new Error('the key was refused')
      const app = await startOverHttp(0, { url, issuer: config.issuer, keyId: made.apiKey.id, key: made.key })
      running = {
        app: `http://localhost:${app.port}`,
        hallpass: url,
        revokeAll: (_subject, accessToken) =>
          hallpass.hallpass.sessions.revokeAll(String(claimsOf(accessToken)['sub']), null, 'revoked_by_admin', {
            kind: 'admin',
            sessionId: null,
            ip: null,
          }),
        async stop() {
          app.close()
        },
      }
    })
    after(async () => {
      await running?.stop()
      await server?.stop()
    })

    tellTheStory(() => {
      if (running === undefined) throw new Error('the application has not started')
      return running
    })
  })
})

/** Somebody else may take a port between the moment it was found free and the start. */
async function onAFreePort<Started>(start: (port: number) => Promise<Started>): Promise<[number, Started]> {
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer().listen(0, 'localhost')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    try {
      return [port, await start(port)]
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === 5) throw error
    }
  }
}
