import { expect } from 'chai'
import { expectOAuthError, expectRefusal } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  cookieAttributesIn,
  cookieIn,
  generationOf,
  ORIGIN,
  refreshByCookie,
  sendForm,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { DAY, HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('Refreshing by the cookie', () => {
  onBothStores((server) => {
    let browser: SignedIn
    beforeEach(async () => {
      browser = await aPersonInABrowser(server().url)
    })

    const expectUntouched = async (): Promise<void> => {
      expect(await rowOf(server(), browser)).to.include({ generation: 0, revoked_reason: null })
    }

    it('answers the access token to the script and the refresh token to the cookie alone', async () => {
      const { status, headers, body } = await refreshByCookie(server().url, browser.refreshToken)
      expect(status).to.equal(200)
      expect(headers.get('cache-control')).to.equal('no-store')
      expect(body).to.have.all.keys('access_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id')
      expect(JSON.stringify(body)).not.to.include('hprt_')
      expect(generationOf(cookieIn(headers) ?? '')).to.equal(1)
    })

    it('sets the cookie anew, for as long as the session may idle now', async () => {
      await moveTimes(server(), browser, { idle_expires_at: DAY })
      const { headers, body } = await refreshByCookie(server().url, browser.refreshToken)
      const { expires: _, samesite = '', ...attributes } = cookieAttributesIn(headers)
      expect(attributes).to.deep.equal({ path: '/', httponly: '', 'max-age': String(body.refresh_expires_in) })
      expect(samesite.toLowerCase()).to.equal('strict')
      expect(body.refresh_expires_in).to.be.greaterThan(29 * DAY)
    })

    it('never makes the cookie outlive the session', async () => {
      await moveTimes(server(), browser, { absolute_expires_at: HOUR })
      const { headers, body } = await refreshByCookie(server().url, browser.refreshToken)
      expect(body.refresh_expires_in).to.be.at.most(HOUR)
      expect(cookieAttributesIn(headers)).to.include({ 'max-age': String(body.refresh_expires_in) })
    })

    it('brings the newest cookie back to a tab that was too late', async () => {
      const first = await refreshByCookie(server().url, browser.refreshToken)
      const second = await refreshByCookie(server().url, browser.refreshToken)
      expect(second.status).to.equal(200)
      expect(cookieIn(second.headers)).to.equal(cookieIn(first.headers))
    })

    it('takes an Idempotency-Key, for an answer that was lost with the cookie in it', async () => {
      const headers = { 'idempotency-key': 'of this origin' }
      const lost = await refreshByCookie(server().url, browser.refreshToken, headers)
      await moveTimes(server(), browser, { rotated_at: -3 * DAY })
      const repeated = await refreshByCookie(server().url, browser.refreshToken, headers)
      expect(cookieIn(repeated.headers)).to.equal(cookieIn(lost.headers))
    })

    it('is refused without an allowed Origin or from another site, and consumes nothing', async () => {
      for (const headers of [
        { origin: '' },
        { origin: 'null' },
        { origin: 'https://evil.example' },
        { origin: `${ORIGIN}.evil.example` },
        { 'sec-fetch-site': 'cross-site' },
      ]) {
        const answer = await refreshByCookie(server().url, browser.refreshToken, headers)
        expectOAuthError(answer, 'origin_not_allowed', 403)
      }
      await expectUntouched()
    })

    it('is refused together with a token in the body, whatever either is worth', async () => {
      const { refreshToken } = await aSignedInPerson(server().url)
      const cookie = { cookie: `hallpass=${browser.refreshToken}`, origin: ORIGIN }
      for (const other of [refreshToken, browser.refreshToken, 'x']) {
        const form = { grant_type: 'refresh_token', refresh_token: other }
        expectOAuthError(await sendForm(`${server().url}/oauth/token`, form, cookie), 'invalid_request')
      }
      await expectUntouched()
    })

    it('is refused with two cookies of the name: nobody can tell who planted which', async () => {
      for (const planted of [browser.refreshToken, 'x', '']) {
        const answer = await refreshByCookie(server().url, `${browser.refreshToken}; hallpass=${planted}`)
        expectOAuthError(answer, 'invalid_request')
      }
      await expectUntouched()
    })

    it('is not confused by other cookies of the host', async () => {
      const answer = await refreshByCookie(
        server().url,
        `${browser.refreshToken}; hallpass2=x; other=hallpass=y; HALLPASS=z`,
      )
      expect(answer.status).to.equal(200)
    })

    it('leaves the cookie alone whenever it is refused: an older tab must not wipe a newer sign-in', async () => {
      await moveTimes(server(), browser, { idle_expires_at: -1 })
      expectRefusal(await refreshByCookie(server().url, browser.refreshToken), 'expired_idle')

      const replaced = await aPersonInABrowser(server().url)
      await signInByCookie(server().url, replaced.email, { headers: { cookie: `hallpass=${replaced.refreshToken}` } })
      expectRefusal(await refreshByCookie(server().url, replaced.refreshToken), 'replaced')

      const reused = await aPersonInABrowser(server().url)
      await refreshByCookie(server().url, reused.refreshToken)
      await moveTimes(server(), reused, { rotated_at: -31 })
      expectRefusal(await refreshByCookie(server().url, reused.refreshToken), 'token_reuse')

      expectRefusal(await refreshByCookie(server().url, 'garbage'), 'malformed')
      expectRefusal(await refreshByCookie(server().url, ''), 'malformed')
    })
  })
})
