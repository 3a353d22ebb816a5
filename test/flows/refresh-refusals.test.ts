import { expect } from 'chai'
import { expectOAuthError, expectRefusal } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  claimsOf,
  generationOf,
  refresh,
  refreshByCookie,
  rotate,
  send,
  sendForm,
  signIn,
  type SignedIn,
} from '../support/people.ts'
import { eventsOf, feedOf, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import { aRingWithAnotherKeyId, forge } from '../support/tokens.ts'

describe('A refresh is refused', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    /** The refusal was no reuse: nothing was ended, and the device can go on. */
    const expectUnharmed = async (): Promise<void> => {
      expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
    }

    it('as malformed, where it is no refresh token at all', async () => {
      for (const garbage of ['x', 'hprt_', `hprt_${'A'.repeat(115)}`, `${device.refreshToken}A`, device.accessToken]) {
        expectRefusal(await refresh(server().url, garbage), 'malformed')
      }
      await expectUnharmed()
    })

    it('as unknown_session, where the session was pruned or never was', async () => {
      const nobodys = forge({ userId: device.userId, sessionId: device.userId })
      expectRefusal(await refresh(server().url, nobodys), 'unknown_session')
    })

    it('as unknown_key, not for good, where the process does not know the secret yet', async () => {
      const ofTheNextSecret = forge({ ...device, ring: aRingWithAnotherKeyId() })
      expectRefusal(await refresh(server().url, ofTheNextSecret), 'unknown_key', false)
      expectRefusal(await refreshByCookie(server().url, ofTheNextSecret), 'unknown_key', false)
      await expectUnharmed()
    })

    it('as wrong_client, where another registered client presents the token', async () => {
      expectRefusal(await refresh(server().url, device.refreshToken, { clientId: 'demo' }), 'wrong_client')
      await expectUnharmed()
    })

    it('as invalid_client, where the client is not registered', async () => {
      for (const clientId of ['nobody', "x' or 1=1 --", '\u{1f600}']) {
        expectOAuthError(await refresh(server().url, device.refreshToken, { clientId }), 'invalid_client')
      }
      await expectUnharmed()
    })

    it('not, where the client is the right one or is not named', async () => {
      const demo = await signIn(server().url, device.email, { body: { client_id: 'demo' } })
      const { body } = await refresh(server().url, demo.refreshToken, { clientId: 'demo' })
      expect(claimsOf(body.access_token)['client_id']).to.equal('demo')
      expect((await refresh(server().url, body.refresh_token)).status).to.equal(200)
    })

    it('as wrong_transport, where the token of the body comes in the cookie or the other way round', async () => {
      const browser = await aPersonInABrowser(server().url)
      expectRefusal(await refreshByCookie(server().url, device.refreshToken), 'wrong_transport')
      expectRefusal(await refresh(server().url, browser.refreshToken), 'wrong_transport')
      expect((await refreshByCookie(server().url, browser.refreshToken)).status).to.equal(200)
      await expectUnharmed()
    })

    it('as expired_idle or expired_absolute, whichever end was reached', async () => {
      await moveTimes(server(), device, { idle_expires_at: -1 })
      expectRefusal(await refresh(server().url, device.refreshToken), 'expired_idle')
      const other = await aSignedInPerson(server().url)
      await moveTimes(server(), other, { absolute_expires_at: -1 })
      expectRefusal(await refresh(server().url, other.refreshToken), 'expired_absolute')
    })

    it('as expired also within the grace and with the right key: a replay outlives no end', async () => {
      await rotate(server().url, device, ['lost'])
      await moveTimes(server(), device, { idle_expires_at: -1 })
      expectRefusal(await refresh(server().url, device.refreshToken), 'expired_idle')
      expectRefusal(await refresh(server().url, device.refreshToken, { key: 'lost' }), 'expired_idle')
    })

    it('as signed_out, where the person signed out on this device', async () => {
      await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: device.accessToken })
      expectRefusal(await refresh(server().url, device.refreshToken), 'signed_out')
    })

    it('as revoked_by_user, where the person ended it from another device', async () => {
      const laptop = await signIn(server().url, device.email)
      await send(`${server().url}/v1/sessions/${device.sessionId}`, { method: 'DELETE', token: laptop.accessToken })
      expectRefusal(await refresh(server().url, device.refreshToken), 'revoked_by_user')
    })

    it('with the reason of the end, whichever of its tokens is presented: an ended session knows no reuse', async () => {
      const tokens = await rotate(server().url, device, ['zero', 'one', 'two'])
      await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: device.accessToken })
      for (const token of tokens) {
        expectRefusal(await refresh(server().url, token), 'signed_out')
        expectRefusal(await refresh(server().url, token, { key: 'two' }), 'signed_out')
      }
      expect(await feedOf(server(), device)).to.have.lengthOf(1)
      expect(await eventsOf(server(), device)).to.have.lengthOf(2)
    })

    it('before anything else for its transport, then for its client, then for its end', async () => {
      const browser = await aPersonInABrowser(server().url)
      await server().hallpass.sessions.revoke(browser.userId, browser.sessionId, 'revoked_by_admin', {
        kind: 'admin',
        sessionId: null,
        ip: null,
      })
      await moveTimes(server(), browser, { idle_expires_at: -1, absolute_expires_at: -1 })
      const byBody = await refresh(server().url, browser.refreshToken, { clientId: 'demo' })
      expectRefusal(byBody, 'wrong_transport')
      const cookie = { cookie: `hallpass=${browser.refreshToken}`, origin: server().config.issuer }
      const form = { grant_type: 'refresh_token', client_id: 'demo' }
      expectRefusal(await sendForm(`${server().url}/oauth/token`, form, cookie), 'wrong_client')
      expectRefusal(await refreshByCookie(server().url, browser.refreshToken), 'revoked_by_admin')
    })

    it('with words of the characters that RFC 6749 allows', async () => {
      for (const answer of [
        await refresh(server().url, 'x'),
        await refresh(server().url, device.refreshToken, { clientId: 'demo' }),
        await refreshByCookie(server().url, device.refreshToken),
        await sendForm(`${server().url}/oauth/token`, { grant_type: 'none' }),
      ]) {
        expect(answer.body['error_description']).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
      }
    })
  })
})

describe('The form of a refresh', () => {
  onBothStores((server) => {
    let device: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
    })

    const post = (parameters: string) => sendForm(`${server().url}/oauth/token`, new URLSearchParams(parameters))

    it('names a grant_type that is supported', async () => {
      const token = `refresh_token=${device.refreshToken}`
      expectOAuthError(await post(token), 'invalid_request')
      expectOAuthError(await post(`grant_type=&${token}`), 'invalid_request')
      for (const type of ['password', 'authorization_code', 'Refresh_Token', 'toString', '__proto__']) {
        expectOAuthError(await post(`grant_type=${type}&${token}`), 'unsupported_grant_type')
      }
      expect((await rowOf(server(), device)).generation).to.equal(0)
    })

    it('holds a refresh token: without one there is nothing to refresh, and it is said in those words', async () => {
      for (const parameters of ['grant_type=refresh_token', 'grant_type=refresh_token&refresh_token=']) {
        const { status, headers, body } = await post(parameters)
        expect(body).to.deep.equal({
          error: 'invalid_request',
          error_description: 'Send refresh_token, or the session cookie.',
          reason: 'no_token',
          terminal: true,
        })
        expect(status).to.equal(400)
        expect(headers.get('cache-control')).to.equal('no-store')
        expect(headers.getSetCookie()).to.be.empty
      }
    })

    it('may hold parameters that nobody knows, and means nothing by them', async () => {
      const answer = await post(
        `grant_type=refresh_token&refresh_token=${device.refreshToken}&scope=admin&audience=x&transport=cookie&a[]=1`,
      )
      expect(answer.status).to.equal(200)
      expect(answer.headers.getSetCookie()).to.be.empty
      expect(claimsOf(answer.body['access_token'] as string)['scope']).to.equal('')
    })

    it('holds no parameter twice', async () => {
      const good = `grant_type=refresh_token&refresh_token=${device.refreshToken}`
      for (const again of [`refresh_token=${device.refreshToken}`, 'grant_type=refresh_token', 'x=1&x=1', 'x=&x=']) {
        expectOAuthError(await post(`${good}&${again}`), 'invalid_request')
      }
      expect((await rowOf(server(), device)).generation).to.equal(0)
    })

    it('is a form in the body: neither JSON nor the URL will do', async () => {
      const parameters = { grant_type: 'refresh_token', refresh_token: device.refreshToken }
      expectOAuthError(await send(`${server().url}/oauth/token`, { body: parameters }), 'invalid_request')
      const query = new URLSearchParams(parameters).toString()
      expectOAuthError(await sendForm(`${server().url}/oauth/token?${query}`, {}), 'invalid_request')
      expect((await rowOf(server(), device)).generation).to.equal(0)
    })

    it('may write its media type in any case, with a charset', async () => {
      const answer = await sendForm(
        `${server().url}/oauth/token`,
        { grant_type: 'refresh_token', refresh_token: device.refreshToken },
        { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' },
      )
      expect(answer.status).to.equal(200)
      expect(generationOf(answer.body['refresh_token'] as string)).to.equal(1)
    })
  })
})
