import { expect } from 'chai'
import { expectProblem, expectRefusal } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  claimsOf,
  ORIGIN,
  PASSWORD,
  refresh,
  refreshByCookie,
  rotate,
  send,
  type Answer,
  type SignedIn,
} from '../support/people.ts'
import { DAY, eventsOf, MINUTE, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

/** As long ago as the sign-ins of these stories lie. */
const AGO = 30 * MINUTE

describe('Proving again who one is', () => {
  onBothStores((server) => {
    let device: SignedIn
    let browser: SignedIn
    beforeEach(async () => {
      device = await aSignedInPerson(server().url)
      browser = await aPersonInABrowser(server().url)
      await moveTimes(server(), device, { authenticated_at: -AGO })
      await moveTimes(server(), browser, { authenticated_at: -AGO })
    })

    const confirm = (
      body: Record<string, unknown>,
      options: { token?: string; headers?: Record<string, string> } = {},
    ): Promise<Answer> => send(`${server().url}/v1/sessions/current/reauthentication`, { body, ...options })

    const withCookie = (refreshToken: string) => ({ headers: { cookie: `hallpass=${refreshToken}`, origin: ORIGIN } })

    /** Seconds since the person proved who they are, as this token says. */
    const ageOfProof = (accessToken: unknown): number => {
      const { iat, auth_time: authTime } = claimsOf(accessToken as string) as { iat: number; auth_time: number }
      return iat - authTime
    }

    it('is done with an access token and the password, and answers another access token alone', async () => {
      const { status, headers, body } = await confirm({ password: PASSWORD }, { token: device.accessToken })
      expect(status).to.equal(200)
      expect(headers.get('cache-control')).to.equal('no-store')
      expect(headers.getSetCookie()).to.be.empty
      expect(body).to.have.all.keys('access_token', 'token_type', 'expires_in')
      expect(body['token_type']).to.equal('Bearer')
      expect(body['expires_in']).to.be.within(285, 300)
      expect(claimsOf(body['access_token'] as string)).to.deep.include({
        sub: device.userId,
        sid: device.sessionId,
        amr: ['pwd'],
      })
      expect(ageOfProof(body['access_token'])).to.equal(0)
    })

    it('is done with the refresh token in the body, or with the cookie', async () => {
      const byBody = await confirm({ password: PASSWORD, refresh_token: device.refreshToken })
      expect(claimsOf(byBody.body['access_token'] as string)['sid']).to.equal(device.sessionId)
      expect(ageOfProof(byBody.body['access_token'])).to.equal(0)

      const byCookie = await confirm({ password: PASSWORD }, withCookie(browser.refreshToken))
      expect(claimsOf(byCookie.body['access_token'] as string)['sid']).to.equal(browser.sessionId)
      expect(byCookie.headers.getSetCookie()).to.be.empty
    })

    it('does not rotate the refresh token', async () => {
      await confirm({ password: PASSWORD, refresh_token: device.refreshToken })
      await confirm({ password: PASSWORD }, withCookie(browser.refreshToken))
      expect((await rowOf(server(), device)).generation).to.equal(0)
      expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
      expect((await refreshByCookie(server().url, browser.refreshToken)).status).to.equal(200)
    })

    it('is not inherited by later refreshes: a thief of the refresh token cannot ride on it', async () => {
      await confirm({ password: PASSWORD }, { token: device.accessToken })
      const { body } = await refresh(server().url, device.refreshToken)
      expect(ageOfProof(body.access_token)).to.be.within(AGO, AGO + MINUTE)
      const shown = await send(`${server().url}/v1/sessions/current`, { token: body.access_token })
      const now = (claimsOf(body.access_token)['iat'] as number) * 1000
      expect(now - Date.parse(shown.body['authenticated_at'] as string)).to.be.greaterThan((AGO - MINUTE) * 1000)
    })

    it('ends the grace of the last rotation', async () => {
      await rotate(server().url, device, 1)
      await confirm({ password: PASSWORD }, { token: device.accessToken })
      expectRefusal(await refresh(server().url, device.refreshToken), 'token_reuse')
    })

    it('leaves the replay by Idempotency-Key as it is', async () => {
      const [, current] = await rotate(server().url, device, ['lost'])
      await confirm({ password: PASSWORD }, { token: device.accessToken })
      const replayed = await refresh(server().url, device.refreshToken, { key: 'lost' })
      expect(replayed.body.refresh_token).to.equal(current)
    })

    it('is written in the history', async () => {
      await confirm({ password: PASSWORD }, { token: device.accessToken })
      const [, event] = await eventsOf(server(), device)
      expect(event).to.deep.include({ type: 'session.reauthenticated', actor: 'user', ip: '127.0.0.1' })
    })

    it('with a wrong password is refused, and ends neither session nor grace', async () => {
      const [, current] = await rotate(server().url, device, 1)
      for (const credential of [{ token: device.accessToken }, withCookie(browser.refreshToken)]) {
        expectProblem(await confirm({ password: 'not the passphrase' }, credential), 401, 'invalid_credentials')
      }
      expect((await refresh(server().url, device.refreshToken)).body.refresh_token).to.equal(current)
    })

    it('needs a credential of a live session', async () => {
      const nobody = await confirm({ password: PASSWORD })
      expectProblem(nobody, 401, 'invalid_access_token')
      expect(nobody.headers.get('www-authenticate')).to.equal('Bearer')

      await send(`${server().url}/v1/sessions/current`, { method: 'DELETE', token: device.accessToken })
      await moveTimes(server(), browser, { idle_expires_at: -DAY })
      for (const [body, options] of [
        [{ password: PASSWORD }, { token: device.accessToken }],
        [{ password: PASSWORD, refresh_token: device.refreshToken }, {}],
        [{ password: PASSWORD }, withCookie(browser.refreshToken)],
        [{ password: PASSWORD, refresh_token: 'garbage' }, {}],
        [{ password: PASSWORD }, { token: 'garbage' }],
      ] as const) {
        const answer = await confirm(body, options)
        expectProblem(answer, 401, 'invalid_access_token')
        expect(answer.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
      }
    })

    it('takes each refresh token by its own transport only', async () => {
      const stolenCookie = await confirm({ password: PASSWORD, refresh_token: browser.refreshToken })
      expectProblem(stolenCookie, 401, 'invalid_access_token')
      const planted = await confirm({ password: PASSWORD }, withCookie(device.refreshToken))
      expectProblem(planted, 401, 'invalid_access_token')
    })

    it('takes the current refresh token or the one before it; an older one proves nothing, and is no reuse', async () => {
      const tokens = await rotate(server().url, device, 2)
      const statuses: number[] = []
      for (const token of tokens) statuses.push((await confirm({ password: PASSWORD, refresh_token: token })).status)
      expect(statuses).to.deep.equal([401, 200, 200])
      expect((await refresh(server().url, tokens.at(-1) ?? '')).status).to.equal(200)
    })

    it('with the cookie needs an allowed Origin', async () => {
      for (const headers of [
        {},
        { origin: 'https://evil.example' },
        { origin: ORIGIN, 'sec-fetch-site': 'cross-site' },
      ]) {
        const cookie = `hallpass=${browser.refreshToken}`
        const answer = await confirm({ password: PASSWORD }, { headers: { cookie, ...headers } })
        expectProblem(answer, 403, 'origin_not_allowed')
      }
    })

    it('with the cookie and a refresh token in the body at once is nobody’s intention', async () => {
      const answer = await confirm(
        { password: PASSWORD, refresh_token: device.refreshToken },
        withCookie(browser.refreshToken),
      )
      expectProblem(answer, 400, 'invalid_request')
    })

    it('with an access token pays no attention to the cookie that the browser sends along', async () => {
      const other = await aPersonInABrowser(server().url)
      for (const origin of [ORIGIN, 'https://evil.example']) {
        const answer = await confirm(
          { password: PASSWORD },
          { token: browser.accessToken, headers: { cookie: `hallpass=${other.refreshToken}`, origin } },
        )
        expect(claimsOf(answer.body['access_token'] as string)['sid']).to.equal(browser.sessionId)
      }
    })

    it('takes the password of the account, not of another one', async () => {
      const answer = await confirm({ password: `${PASSWORD} of somebody else` }, { token: device.accessToken })
      expectProblem(answer, 401, 'invalid_credentials')
    })
  })
})
