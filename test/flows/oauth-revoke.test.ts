import { expect } from 'chai'
import { expectOAuthError, expectRefusal } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  cookieAttributesIn,
  cookieIn,
  ORIGIN,
  refresh,
  refreshByCookie,
  rotate,
  send,
  sendForm,
  signIn,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { eventsOf, feedOf, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import { aRingWithAnotherKeyId, forge, secretIn } from '../support/tokens.ts'

describe('Handing a token back (RFC 7009)', () => {
  onBothStores((server) => {
    let device: SignedIn
    let browser: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
      browser = await aPersonInABrowser(server().url)
    })

    const revoke = (parameters: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
      sendForm(`${server().url}/oauth/revoke`, parameters, headers)

    const withCookie = (refreshToken: string) => ({ cookie: `hallpass=${refreshToken}`, origin: ORIGIN })

    const expectAlive = async (one: SignedIn): Promise<void> => {
      expect((await rowOf(server(), one)).revoked_reason).to.equal(null)
    }

    it('ends the session of a refresh token, as the person signing out', async () => {
      const other = await signIn(server().url, device.email)
      const { status, headers } = await revoke({ token: device.refreshToken })
      expect(status).to.equal(200)
      expect(headers.get('cache-control')).to.equal('no-store')
      expect(headers.getSetCookie()).to.be.empty
      expectRefusal(await refresh(server().url, device.refreshToken), 'signed_out')
      const { status: after } = await send(`${server().url}/v1/users/me`, { token: device.accessToken })
      expect(after).to.equal(401)
      await expectAlive(other)
    })

    it('ends it by an older token too, however old, and that is no reuse', async () => {
      await rotate(server().url, device, 3)
      expect((await revoke({ token: device.refreshToken })).status).to.equal(200)
      expect((await rowOf(server(), device)).revoked_reason).to.equal('signed_out')
    })

    it('ends it by an access token', async () => {
      expect((await revoke({ token: device.accessToken })).status).to.equal(200)
      expectRefusal(await refresh(server().url, device.refreshToken), 'signed_out')
    })

    it('takes token_type_hint for a hint, also a wrong or an unknown one', async () => {
      for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
        const one = await aSignedInPerson(server().url)
        expect((await revoke({ token: one.refreshToken, token_type_hint: hint })).status).to.equal(200)
        expect((await rowOf(server(), one)).revoked_reason, hint).to.equal('signed_out')
      }
    })

    it('tells the verifiers and the history once, however often it is repeated', async () => {
      for (let count = 0; count < 3; count += 1) {
        expect((await revoke({ token: device.refreshToken })).status).to.equal(200)
      }
      expect(await feedOf(server(), device)).to.have.lengthOf(1)
      const [, ...ends] = await eventsOf(server(), device)
      expect(ends).to.have.lengthOf(1)
      expect(ends[0]).to.include({ reason: 'signed_out', actor: 'user', actor_session_id: device.sessionId })
    })

    it('answers 200 for what is no token any more, or never was one', async () => {
      const expired = await aSignedInPerson(server().url)
      await moveTimes(server(), expired, { idle_expires_at: -1 })
      const nobodys = forge({ userId: device.userId, sessionId: browser.userId })
      for (const token of ['garbage', 'hprt_', ' ', 'a.b.c', expired.refreshToken, expired.accessToken, nobodys]) {
        expect((await revoke({ token })).status, token).to.equal(200)
      }
      await expectAlive(device)
    })

    it('needs a token', async () => {
      for (const parameters of [{}, { token: '' }, { refresh_token: device.refreshToken }]) {
        expectOAuthError(await revoke(parameters as Record<string, string>), 'invalid_request')
      }
      await expectAlive(device)
    })

    it('names no parameter twice', async () => {
      const twice = new URLSearchParams(`token=${device.refreshToken}&token=${device.refreshToken}`)
      expectOAuthError(await sendForm(`${server().url}/oauth/revoke`, twice), 'invalid_request')
      await expectAlive(device)
    })

    it('is refused to another client, and welcome from the right one', async () => {
      for (const token of [device.refreshToken, device.accessToken]) {
        expectOAuthError(await revoke({ token, client_id: 'demo' }), 'invalid_client')
        await expectAlive(device)
      }
      expect((await revoke({ token: device.refreshToken, client_id: 'default' })).status).to.equal(200)
      expect((await rowOf(server(), device)).revoked_reason).to.equal('signed_out')
    })

    describe('in a browser', () => {
      it('without a token means the cookie, which goes with its session', async () => {
        const { status, headers } = await revoke({}, withCookie(browser.refreshToken))
        expect(status).to.equal(200)
        expect(cookieIn(headers)).to.equal('')
        expect(cookieAttributesIn(headers)).to.include({ path: '/', httponly: '' })
        expectRefusal(await refreshByCookie(server().url, browser.refreshToken), 'signed_out')
      })

      it('needs an allowed Origin', async () => {
        for (const origin of ['', 'null', 'https://evil.example']) {
          const answer = await revoke({}, { ...withCookie(browser.refreshToken), origin })
          expectOAuthError(answer, 'origin_not_allowed', 403)
        }
        const crossSite = { ...withCookie(browser.refreshToken), 'sec-fetch-site': 'cross-site' }
        expectOAuthError(await revoke({}, crossSite), 'origin_not_allowed', 403)
        await expectAlive(browser)
      })

      it('takes the cookie or a token, not both', async () => {
        const answer = await revoke({ token: device.refreshToken }, withCookie(browser.refreshToken))
        expectOAuthError(answer, 'invalid_request')
        await expectAlive(device)
        await expectAlive(browser)
      })

      it('leaves the cookie alone when it is refused', async () => {
        expectOAuthError(await revoke({ client_id: 'demo' }, withCookie(browser.refreshToken)), 'invalid_client')
        await expectAlive(browser)
      })

      it('clears the cookie also when its session had ended already, and leaves the reason of that end', async () => {
        const elsewhere = await signIn(server().url, browser.email)
        const url = `${server().url}/v1/sessions/${browser.sessionId}`
        await send(url, { method: 'DELETE', token: elsewhere.accessToken })
        expect(cookieIn((await revoke({}, withCookie(browser.refreshToken))).headers)).to.equal('')
        expectRefusal(await refreshByCookie(server().url, browser.refreshToken), 'revoked_by_user')
      })

      it('leaves a cookie alone that is of no session', async () => {
        for (const cookie of ['garbage', '']) {
          const { status, headers } = await revoke({}, withCookie(cookie))
          expect(status).to.equal(200)
          expect(headers.getSetCookie()).to.be.empty
        }
      })

      it('takes the cookie for a refresh token alone: an access token in it ends nothing', async () => {
        const { status, headers } = await revoke({}, withCookie(browser.accessToken))
        expect(status).to.equal(200)
        expect(headers.getSetCookie()).to.be.empty
        await expectAlive(browser)
      })

      it('leaves a cookie alone that this process cannot read yet, as its session was not ended', async () => {
        const secret = secretIn(browser.refreshToken)
        const ofTheNextSecret = forge({ ...browser, secret, ring: aRingWithAnotherKeyId() })
        const { headers } = await revoke({}, withCookie(ofTheNextSecret))
        expect(headers.getSetCookie()).to.be.empty
        await expectAlive(browser)
      })
    })
  })
})
