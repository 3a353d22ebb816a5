import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import { mailsAbout } from '../support/mail.ts'
import {
  anAddress,
  claimsOf,
  ORIGIN,
  PASSWORD,
  register,
  refresh,
  send,
  signIn,
  type Answer,
} from '../support/people.ts'
import { DAY, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'

const SESSION_MEMBERS = [
  'id',
  'current',
  'status',
  'client_id',
  'transport',
  'created_at',
  'authenticated_at',
  'last_used_at',
  'idle_expires_at',
  'expires_at',
  'revoked_at',
  'revoked_reason',
  'amr',
  'device',
  'ip',
  'location',
  'data',
]

interface SignInBody {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token: string
  refresh_expires_in: number
  session: Record<string, unknown>
}

const tryToSignIn = (url: string, body: Record<string, unknown>): Promise<Answer<SignInBody>> =>
  send(`${url}/v1/sessions`, { body })

describe('Signing in', () => {
  onBothStores((server) => {
    let email: string
    before(async () => {
      email = await register(server().url)
    })

    it('answers an access token, a refresh token and the session, and nothing else', async () => {
      const { status, headers, body } = await tryToSignIn(server().url, { email, password: PASSWORD })
      expect(status).to.equal(201)
      expect(headers.get('content-type')).to.match(/^application\/json(;|$)/)
      expect(headers.get('cache-control')).to.equal('no-store')
      expect(headers.getSetCookie()).to.be.empty
      expect(body).to.have.all.keys(
        'access_token',
        'token_type',
        'expires_in',
        'refresh_token',
        'refresh_expires_in',
        'session',
      )
      expect(body.token_type).to.equal('Bearer')
      expect(body.expires_in).to.be.within(285, 300)
      expect(body.refresh_token).to.match(/^hprt_[A-Za-z0-9_-]{115}$/)
      expect(body.refresh_expires_in).to.be.within(30 * DAY - MINUTE, 30 * DAY)
    })

    it('shows the session with exactly the members of the contract, and no secret', async () => {
      const { body } = await tryToSignIn(server().url, { email, password: PASSWORD })
      const { session } = body
      expect(session).to.have.all.keys(...SESSION_MEMBERS)
      expect(session).to.deep.include({
        current: true,
        status: 'active',
        client_id: 'default',
        transport: 'body',
        revoked_at: null,
        revoked_reason: null,
        amr: ['pwd'],
        ip: '127.0.0.1',
        location: null,
        data: {},
      })
      expect(session['device']).to.have.all.keys('name', 'label', 'type', 'browser', 'os', 'model')
      expect(session).to.have.nested.property('device.browser').with.all.keys('name', 'version')
      expect(session).to.have.nested.property('device.os').with.all.keys('name', 'version')
      for (const time of ['created_at', 'authenticated_at', 'last_used_at', 'idle_expires_at', 'expires_at']) {
        expect(session[time], time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      }
      expect(session['authenticated_at']).to.equal(session['created_at'])
      expect(claimsOf(body.access_token)['sid']).to.equal(session['id'])
      expect(session['id']).to.match(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/, 'a UUIDv7')
    })

    it('is for the client that was named, and for "default" where none was', async () => {
      const demo = await tryToSignIn(server().url, { email, password: PASSWORD, client_id: 'demo' })
      expect(demo.body.session['client_id']).to.equal('demo')
      expect(claimsOf(demo.body.access_token)['client_id']).to.equal('demo')
      const other = await tryToSignIn(server().url, { email, password: PASSWORD })
      expect(claimsOf(other.body.access_token)['client_id']).to.equal('default')
    })

    it('refuses a client that is not registered, whatever its name', async () => {
      for (const clientId of ['nobody', '', 'Default', "x'; drop table users; --", "\\'", '?', '$1']) {
        const answer = await tryToSignIn(server().url, { email, password: PASSWORD, client_id: clientId })
        expectProblem(answer, 400, 'invalid_client')
      }
    })

    it('answers a wrong password and an unknown address with the very same words', async () => {
      const wrong = await tryToSignIn(server().url, { email, password: 'not the passphrase' })
      const unknown = await tryToSignIn(server().url, { email: anAddress(), password: 'not the passphrase' })
      const impossible = await tryToSignIn(server().url, { email: 'no address at all', password: PASSWORD })
      expectProblem(wrong, 401, 'invalid_credentials')
      for (const answer of [unknown, impossible]) {
        expect(answer.body).to.deep.equal(wrong.body)
        expect([...answer.headers.keys()]).to.deep.equal([...wrong.headers.keys()])
        expect(answer.headers.get('content-length')).to.equal(wrong.headers.get('content-length'))
        expect(answer.status).to.equal(wrong.status)
      }
    })

    it('takes the password exactly, but in whichever Unicode form a keyboard sends it', async () => {
      const composed = 'caf\u00e9 au lait, s\u2019il vous pla\u00eet'
      const french = await register(server().url, anAddress(), composed)
      expect((await tryToSignIn(server().url, { email: french, password: composed.normalize('NFD') })).status).to.equal(
        201,
      )
      for (const near of [composed.toUpperCase(), ` ${composed}`, `${composed} `, composed.slice(0, -1)]) {
        expectProblem(await tryToSignIn(server().url, { email: french, password: near }), 401, 'invalid_credentials')
      }
    })

    it('asks browsers for the client hints that they do not send unasked', async () => {
      for (const password of [PASSWORD, 'not the passphrase']) {
        const { headers } = await tryToSignIn(server().url, { email, password })
        expect(headers.get('accept-ch')).to.equal(
          'Sec-CH-UA-Full-Version-List, Sec-CH-UA-Platform-Version, Sec-CH-UA-Model, Sec-CH-UA-Form-Factors',
        )
      }
    })

    it('believes no X-Forwarded-For while no proxy is trusted', async () => {
      const { sessionId, accessToken } = await signIn(server().url, email, {
        headers: { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' },
      })
      const { body } = await send(`${server().url}/v1/sessions/${sessionId}`, { token: accessToken })
      expect(body['ip']).to.equal('127.0.0.1')
    })

    it('by the body transport needs no Origin, sets no cookie and replaces nothing', async () => {
      const first = await signIn(server().url, email, { body: { transport: 'cookie' }, headers: { origin: ORIGIN } })
      const second = await send(`${server().url}/v1/sessions`, {
        body: { email, password: PASSWORD },
        headers: { cookie: `hallpass=${first.refreshToken}`, origin: 'https://evil.example' },
      })
      expect(second.status).to.equal(201)
      expect(second.headers.getSetCookie()).to.be.empty
      expect((await send(`${server().url}/v1/sessions/current`, { token: first.accessToken })).status).to.equal(200)
    })
  })
})

describe('Signing in on one device more than HALLPASS_MAX_SESSIONS', () => {
  onBothStores(
    (server) => {
      it('ends the session that was used least recently', async () => {
        const email = await register(server().url)
        const idle = await signIn(server().url, email)
        const busy = await signIn(server().url, email)
        await moveTimes(server(), busy, { last_used_at: -DAY })
        await moveTimes(server(), idle, { last_used_at: -2 * DAY })
        await signIn(server().url, email)

        expect((await refresh(server().url, idle.refreshToken)).body).to.include({
          error: 'invalid_grant',
          reason: 'session_limit',
          terminal: true,
        })
        expect((await refresh(server().url, busy.refreshToken)).status).to.equal(200)
      })

      it('counts only sessions that live', async () => {
        const email = await register(server().url)
        const kept = await signIn(server().url, email)
        const expired = await signIn(server().url, email)
        await moveTimes(server(), expired, { idle_expires_at: -1 })
        await signIn(server().url, email)
        expect((await refresh(server().url, kept.refreshToken)).status).to.equal(200)
      })

      it('holds the limit when ten devices sign in at once', async () => {
        const email = await register(server().url)
        const devices = await Promise.all(Array.from({ length: 10 }, () => signIn(server().url, email)))
        const refreshed = await Promise.all(devices.map((device) => refresh(server().url, device.refreshToken)))
        expect(refreshed.filter(({ status }) => status === 200)).to.have.lengthOf(2)
        expect(refreshed.filter(({ body }) => body.reason === 'session_limit')).to.have.lengthOf(8)
      })

      it('holds it also where no password slows the sign-ins down', async () => {
        const userId = await createUser(server())
        const devices = await Promise.all(Array.from({ length: 20 }, () => createSession(server(), userId)))
        const refreshed = await Promise.all(devices.map((device) => refresh(server().url, device.refreshToken)))
        expect(refreshed.filter(({ status }) => status === 200)).to.have.lengthOf(2)
      })

      it('limits nobody else', async () => {
        const [one, other] = [await register(server().url), await register(server().url)]
        const device = await signIn(server().url, one)
        for (let count = 0; count < 3; count += 1) await signIn(server().url, other)
        expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
      })
    },
    { HALLPASS_MAX_SESSIONS: '2' },
  )
})

describe('Signing in before the address is confirmed, where that is refused', () => {
  onBothStores(
    (server) => {
      it('is answered like a wrong password, sends the confirmation again, and works once confirmed', async () => {
        const email = await register(server().url)
        const wrong = await tryToSignIn(server().url, { email, password: 'not the passphrase' })
        const refused = await tryToSignIn(server().url, { email, password: PASSWORD })
        expectProblem(refused, 401, 'invalid_credentials')
        expect(refused.body).to.deep.equal(wrong.body)

        expect(await mailsAbout(email, 'confirm', 2)).to.have.lengthOf(2)

        await server().hallpass.users.confirm(email, { kind: 'admin', sessionId: null, ip: null })
        expect((await tryToSignIn(server().url, { email, password: PASSWORD })).status).to.equal(201)
      })
    },
    { HALLPASS_UNCONFIRMED_SIGN_IN: 'refuse' },
  )
})
