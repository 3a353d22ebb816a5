import { expect } from 'chai'
import { ageEmailTokens } from '../support/aging.ts'
import { ask, askedToken, signInByLink, use } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import { mailsAbout, tokenFor } from '../support/mail.ts'
import { claimsOf, cookieIn, ORIGIN, refresh, register, send, signIn, signInByCookie } from '../support/people.ts'
import { HOUR, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('A magic link', () => {
  onBothStores((server) => {
    let email: string
    beforeEach(async () => {
      email = await register(server().url)
      await use(server().url, 'confirm', { token: await tokenFor(email, 'confirm') })
    })

    it('signs in without a password, and says so', async () => {
      const { status, body } = await signInByLink(server().url, await askedToken(server().url, 'magic', email))
      expect(status).to.equal(201)
      expect(body.session.amr).to.deep.equal(['otp'])
      expect(claimsOf(body.access_token)['amr']).to.deep.equal(['otp'])
      expect((await refresh(server().url, body.refresh_token)).status).to.equal(200)
    })

    it('leaves the other devices and the password of a confirmed account alone', async () => {
      const laptop = await signIn(server().url, email)
      await signInByLink(server().url, await askedToken(server().url, 'magic', email))
      expect((await refresh(server().url, laptop.refreshToken)).status).to.equal(200)
      await signIn(server().url, email)
    })

    it('is good once, for ten minutes, and void when a newer one was asked for', async () => {
      const used = await askedToken(server().url, 'magic', email)
      await signInByLink(server().url, used)
      expectProblem(await signInByLink(server().url, used), 400, 'invalid_token')

      const older = await askedToken(server().url, 'magic', email, 1)
      const late = await askedToken(server().url, 'magic', email, 2)
      expectProblem(await signInByLink(server().url, older), 400, 'invalid_token')
      await ageEmailTokens(server(), email, 10 * MINUTE)
      expectProblem(await signInByLink(server().url, late), 400, 'invalid_token')

      const soon = await askedToken(server().url, 'magic', email, 3)
      await ageEmailTokens(server(), email, 9 * MINUTE)
      expect((await signInByLink(server().url, soon)).status).to.equal(201)
    })

    it('is not used up by a sign-in that is refused', async () => {
      const token = await askedToken(server().url, 'magic', email)
      expectProblem(await signInByLink(server().url, token, { client_id: 'nobody' }), 400, 'invalid_client')
      expectProblem(await signInByLink(server().url, token, { transport: 'cookie' }), 403, 'origin_not_allowed')
      expectProblem(await signInByLink(server().url, token, { email }), 400, 'invalid_request')
      expect((await signInByLink(server().url, token)).status).to.equal(201)
    })

    it('signs in by cookie as well', async () => {
      const token = await askedToken(server().url, 'magic', email)
      const answer = await signInByLink(server().url, token, { transport: 'cookie' }, { origin: ORIGIN })
      expect(answer.status).to.equal(201)
      expect(answer.body).not.to.have.property('refresh_token')
      expect(cookieIn(answer.headers)).to.match(/^hprt_/)
    })

    it('is for the client that asked: it leads into its app, and the session is the client’s', async () => {
      await server().hallpass.clients.save('mobile', { linkUri: 'com.example.app:/magic?from=mail' })
      expect((await ask(server().url, 'magic', { email, client_id: 'mobile' })).status).to.equal(202)
      const [mail] = await mailsAbout(email, 'magic_link')
      const [, token = ''] =
        /com\.example\.app:\/magic\?from=mail&token=(hpem_[\w-]{43})\s/.exec(mail?.text ?? '') ?? []
      expect((await signInByLink(server().url, token)).body.session.client_id).to.equal('mobile')
    })

    it('is asked for by registered clients only', async () => {
      expectProblem(await ask(server().url, 'magic', { email, client_id: 'nobody' }), 400, 'invalid_client')
    })

    it('has no PUT: it is used by signing in', async () => {
      const answer = await use(server().url, 'magic', { token: await askedToken(server().url, 'magic', email) })
      expectProblem(answer, 405, 'method_not_allowed')
      expect(answer.headers.get('allow')).to.equal('POST')
    })

    it('replaces the session whose cookie is in the browser, if it is the same person’s', async () => {
      const browser = await signInByCookie(server().url, email)
      const headers = { origin: ORIGIN, cookie: `hallpass=${browser.refreshToken}` }
      const token = await askedToken(server().url, 'magic', email)
      const answer = await signInByLink(server().url, token, { transport: 'cookie' }, headers)
      const list = await send(`${server().url}/v1/sessions?status=revoked`, { token: answer.body.access_token })
      expect((list.body['sessions'] as { revoked_reason: string }[])[0]?.revoked_reason).to.equal('replaced')
    })
  })
})

describe('Confirming by a magic link that it is you', () => {
  onBothStores((server) => {
    const reauthenticate = (body: object, token?: string) =>
      send<{ access_token: string }>(`${server().url}/v1/sessions/current/reauthentication`, {
        body,
        ...(token === undefined ? {} : { token }),
      })

    it('gives an access token with a fresh auth_time, by access token or refresh token', async () => {
      const person = await signIn(server().url, await register(server().url))
      await moveTimes(server(), person, { authenticated_at: -2 * HOUR })
      const { body: old } = await refresh(server().url, person.refreshToken)
      expectProblem(
        await send(`${server().url}/v1/sessions?except=current`, { method: 'DELETE', token: old.access_token }),
        401,
        'insufficient_user_authentication',
      )
      for (const [count, how] of ['access token', 'refresh token'].entries()) {
        const link = await askedToken(server().url, 'magic', person.email, count)
        const answer =
          how === 'access token'
            ? await reauthenticate({ magic_link_token: link }, old.access_token)
            : await reauthenticate({ magic_link_token: link, refresh_token: old.refresh_token })
        expect(answer.status, how).to.equal(200)
        expect(claimsOf(answer.body.access_token)['amr']).to.deep.equal(['pwd', 'otp'])
        const ended = await send(`${server().url}/v1/sessions?except=current`, {
          method: 'DELETE',
          token: answer.body.access_token,
        })
        expect(ended.status).to.equal(200)
        expectProblem(await reauthenticate({ magic_link_token: link }, old.access_token), 400, 'invalid_token')
      }
    })

    it('signs out no device of somebody whose address was not confirmed before', async () => {
      const person = await signIn(server().url, await register(server().url))
      const other = await signIn(server().url, person.email)
      const link = await askedToken(server().url, 'magic', person.email)
      expect((await reauthenticate({ magic_link_token: link }, person.accessToken)).status).to.equal(200)
      for (const { refreshToken } of [person, other]) {
        expect((await refresh(server().url, refreshToken)).status).to.equal(200)
      }
    })

    it('refuses a link of somebody else, whose it still is', async () => {
      const [one, other] = [
        await signIn(server().url, await register(server().url)),
        await signIn(server().url, await register(server().url)),
      ]
      const link = await askedToken(server().url, 'magic', other.email)
      expectProblem(await reauthenticate({ magic_link_token: link }, one.accessToken), 400, 'invalid_token')
      expect((await reauthenticate({ magic_link_token: link }, other.accessToken)).status).to.equal(200)
    })
  })
})
