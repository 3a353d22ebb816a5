import { expect } from 'chai'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  cookieAttributesIn,
  cookieIn,
  ORIGIN,
  PASSWORD,
  refreshByCookie,
  register,
  send,
  signInByCookie,
  type Answer,
} from '../support/people.ts'
import { DAY, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

const tryToSignIn = (
  url: string,
  body: Record<string, unknown>,
  headers: Record<string, string> = { origin: ORIGIN },
): Promise<Answer> =>
  send(`${url}/v1/sessions`, { body: { password: PASSWORD, transport: 'cookie', ...body }, headers })

describe('Signing in by the cookie transport', () => {
  onBothStores((server) => {
    let email: string
    before(async () => {
      email = await register(server().url)
    })

    it('hands the refresh token to the cookie alone, never to a script', async () => {
      const { status, headers, body } = await tryToSignIn(server().url, { email })
      expect(status).to.equal(201)
      expect(body).to.have.all.keys('access_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session')
      expect(body['session']).to.include({ transport: 'cookie' })
      expect(JSON.stringify(body)).not.to.include('hprt_')
      expect(cookieIn(headers)).to.match(/^hprt_[A-Za-z0-9_-]{115}$/)
    })

    it('sets one cookie, HttpOnly, SameSite=Strict, for the whole host, as long as the session may idle', async () => {
      const { headers, body } = await tryToSignIn(server().url, { email })
      expect(headers.getSetCookie()).to.have.lengthOf(1)
      expect(headers.getSetCookie()[0]).to.match(/^hallpass=/)
      const { expires: _, samesite = '', ...attributes } = cookieAttributesIn(headers)
      expect(attributes).to.deep.equal({ path: '/', httponly: '', 'max-age': String(body['refresh_expires_in']) })
      expect(samesite.toLowerCase()).to.equal('strict')
    })

    it('with remember: false sets a cookie that ends with the browser, and a session of a day at most', async () => {
      const { headers, body } = await tryToSignIn(server().url, { email, remember: false })
      const attributes = cookieAttributesIn(headers)
      expect(attributes).to.have.all.keys('path', 'httponly', 'samesite')
      expect(body['refresh_expires_in']).to.be.within(DAY - MINUTE, DAY)
      const session = body['session'] as { created_at: string; expires_at: string }
      expect(Date.parse(session.expires_at) - Date.parse(session.created_at)).to.equal(DAY * 1000)

      const again = await refreshByCookie(server().url, cookieIn(headers) ?? '')
      expect(again.status).to.equal(200)
      expect(cookieAttributesIn(again.headers)).to.have.all.keys('path', 'httponly', 'samesite')
      expect(again.body.refresh_expires_in).to.be.within(DAY - MINUTE, DAY)
    })

    it('is refused from anywhere but an allowed origin, so that nobody is signed in behind their back', async () => {
      const strangers: Record<string, string>[] = [
        {},
        { origin: '' },
        { origin: 'null' },
        { origin: 'https://evil.example' },
        { origin: `${ORIGIN}.evil.example` },
        { origin: `${ORIGIN}:444` },
        { origin: `${ORIGIN}/` },
        { origin: 'http://app.example' },
        { origin: ORIGIN.toUpperCase() },
        { origin: ORIGIN, 'sec-fetch-site': 'cross-site' },
        { referer: `${ORIGIN}/sign-in` },
      ]
      for (const headers of strangers) {
        expectProblem(await tryToSignIn(server().url, { email }, headers), 403, 'origin_not_allowed')
      }
    })

    it('is welcome from an allowed origin, on the same site or the same origin', async () => {
      for (const site of ['same-origin', 'same-site']) {
        const answer = await tryToSignIn(server().url, { email }, { origin: ORIGIN, 'sec-fetch-site': site })
        expect(answer.status).to.equal(201)
      }
      const own = await tryToSignIn(server().url, { email }, { origin: server().config.issuer })
      expect(own.status).to.equal(201)
    })

    it('sets no cookie when the password is wrong', async () => {
      const answer = await tryToSignIn(server().url, { email, password: 'not the passphrase' })
      expectProblem(answer, 401, 'invalid_credentials')
    })

    it('over the cookie of a live session of the same user ends that one', async () => {
      const before = await signInByCookie(server().url, email)
      const after = await signInByCookie(server().url, email, {
        headers: { cookie: `hallpass=${before.refreshToken}` },
      })
      expectRefusal(await refreshByCookie(server().url, before.refreshToken), 'replaced')
      expect((await refreshByCookie(server().url, after.refreshToken)).status).to.equal(200)
    })

    it('over the cookie of another user leaves that session alone', async () => {
      const other = await aPersonInABrowser(server().url)
      await signInByCookie(server().url, email, { headers: { cookie: `hallpass=${other.refreshToken}` } })
      expect((await rowOf(server(), other)).revoked_reason).to.equal(null)
    })

    it('over a cookie that is garbage, ended or expired simply signs in', async () => {
      const expired = await signInByCookie(server().url, email)
      await moveTimes(server(), expired, { idle_expires_at: -1 })
      for (const cookie of ['garbage', '', expired.refreshToken, `${expired.refreshToken}; hallpass=x`]) {
        const answer = await tryToSignIn(server().url, { email }, { origin: ORIGIN, cookie: `hallpass=${cookie}` })
        expect(answer.status).to.equal(201)
      }
      expect((await rowOf(server(), expired)).revoked_reason).to.equal(null)
    })

    it('with a wrong password over a cookie ends nothing', async () => {
      const device = await signInByCookie(server().url, email)
      const cookie = `hallpass=${device.refreshToken}`
      const headers = { origin: ORIGIN, cookie }
      expectProblem(
        await tryToSignIn(server().url, { email, password: 'wrong wrong' }, headers),
        401,
        'invalid_credentials',
      )
      expect((await rowOf(server(), device)).revoked_reason).to.equal(null)
    })
  })
})

describe('Signing in by the cookie transport behind https', () => {
  onBothStores(
    (server) => {
      it('sets the __Host- cookie with Secure, although TLS ends at a proxy', async () => {
        const email = await register(server().url)
        const { headers, body } = await tryToSignIn(server().url, { email })
        expect(headers.getSetCookie()).to.have.lengthOf(1)
        expect(headers.getSetCookie()[0]).to.match(/^__Host-hallpass=hprt_/)
        const { expires: _, samesite = '', ...attributes } = cookieAttributesIn(headers)
        const maxAge = String(body['refresh_expires_in'])
        expect(attributes).to.deep.equal({ path: '/', httponly: '', secure: '', 'max-age': maxAge })
        expect(samesite.toLowerCase()).to.equal('strict')
      })

      it('reads that cookie only: the name without the prefix could have been set by a neighbour', async () => {
        const { refreshToken } = await aPersonInABrowser(server().url)
        const planted = await refreshByCookie(server().url, refreshToken)
        expect(planted.status).to.equal(400)
        expect(planted.body).to.include({ error: 'invalid_request' })
        expect((await refreshByCookie(server().url, refreshToken, {}, '__Host-hallpass')).status).to.equal(200)
      })

      it('tells browsers to come by https only', async () => {
        const { headers } = await send(`${server().url}/healthz`)
        expect(headers.get('strict-transport-security')).to.match(/^max-age=\d{8}/)
      })
    },
    { HALLPASS_ISSUER: 'https://auth.example' },
  )
})
