import { expect } from 'chai'
import { ageEmailTokens } from '../support/aging.ts'
import { ask, askedToken, NEW_PASSWORD, use } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo, mailsFor, tokenFor, tokenIn } from '../support/mail.ts'
import { anAddress, PASSWORD, refresh, register, send, signIn, signInByCookie } from '../support/people.ts'
import { eventsOfAccount, MINUTE } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('A forgotten password', () => {
  onBothStores((server) => {
    let email: string
    beforeEach(async () => {
      email = await register(server().url)
    })

    const tryToSignIn = (password: string) => send(`${server().url}/v1/sessions`, { body: { email, password } })

    it('is replaced by the link in the mail, and by nothing else', async () => {
      const token = await askedToken(server().url, 'reset', email)
      const answer = await use(server().url, 'reset', { token, password: NEW_PASSWORD })
      expect(answer.status).to.equal(204)
      expect(answer.headers.getSetCookie(), 'it signs nobody in').to.be.empty
      expect((await tryToSignIn(NEW_PASSWORD)).status).to.equal(201)
      expectProblem(await tryToSignIn(PASSWORD), 401, 'invalid_credentials')
    })

    it('ends every session of the person, with the reason', async () => {
      const phone = await signIn(server().url, email)
      const browser = await signInByCookie(server().url, email)
      await use(server().url, 'reset', {
        token: await askedToken(server().url, 'reset', email),
        password: NEW_PASSWORD,
      })
      expect((await refresh(server().url, phone.refreshToken)).body).to.include({
        error: 'invalid_grant',
        reason: 'password_reset',
        terminal: true,
      })
      for (const { accessToken } of [phone, browser]) {
        expectProblem(await send(`${server().url}/v1/users/me`, { token: accessToken }), 401, 'invalid_access_token')
      }
    })

    it('confirms the address, tells its owner by mail and writes the history', async () => {
      await use(server().url, 'reset', {
        token: await askedToken(server().url, 'reset', email),
        password: NEW_PASSWORD,
      })
      const { accessToken, userId } = await signIn(server().url, email, { body: { password: NEW_PASSWORD } })
      expect((await send(`${server().url}/v1/users/me`, { token: accessToken })).body['email_verified']).to.equal(true)
      expect(await allMailsTo(server(), email)).to.include('password_changed')
      expect(await eventsOfAccount(server(), userId)).to.include('user.password_reset')
    })

    it('takes a link once', async () => {
      const token = await askedToken(server().url, 'reset', email)
      await use(server().url, 'reset', { token, password: NEW_PASSWORD })
      expectProblem(await use(server().url, 'reset', { token, password: PASSWORD }), 400, 'invalid_token')
      expect((await tryToSignIn(NEW_PASSWORD)).status).to.equal(201)
    })

    it('keeps the link good when the new password is refused, and says why', async () => {
      const token = await askedToken(server().url, 'reset', email)
      for (const [password, code] of [
        ['short7!', 'too_short'],
        ['password1234567', 'too_common'],
        [email, 'same_as_email'],
      ] as const) {
        const answer = await use(server().url, 'reset', { token, password })
        expectProblem(answer, 400, 'weak_password')
        const [fault] = answer.body['errors'] as { pointer: string; code: string; message: string }[]
        expect(fault).to.include({ pointer: '/password', code })
        expect(fault?.message).to.match(/\.$/)
      }
      expect((await use(server().url, 'reset', { token, password: NEW_PASSWORD })).status).to.equal(204)
    })

    it('makes the older link void when it is asked for again', async () => {
      const older = await askedToken(server().url, 'reset', email)
      const newer = await askedToken(server().url, 'reset', email, 1)
      expectProblem(await use(server().url, 'reset', { token: older, password: NEW_PASSWORD }), 400, 'invalid_token')
      expect((await use(server().url, 'reset', { token: newer, password: NEW_PASSWORD })).status).to.equal(204)
    })

    it('gives half an hour for it', async () => {
      const token = await askedToken(server().url, 'reset', email)
      await ageEmailTokens(server(), email, 30 * MINUTE)
      expectProblem(await use(server().url, 'reset', { token, password: NEW_PASSWORD }), 400, 'invalid_token')
      const other = await askedToken(server().url, 'reset', email, 1)
      await ageEmailTokens(server(), email, 29 * MINUTE)
      expect((await use(server().url, 'reset', { token: other, password: NEW_PASSWORD })).status).to.equal(204)
    })

    it('voids every other mail token of the person', async () => {
      const confirm = await tokenFor(email, 'confirm')
      const magic = await askedToken(server().url, 'magic', email)
      await use(server().url, 'reset', {
        token: await askedToken(server().url, 'reset', email),
        password: NEW_PASSWORD,
      })
      expectProblem(await use(server().url, 'confirm', { token: confirm }), 400, 'invalid_token')
      const byLink = await send(`${server().url}/v1/sessions`, { body: { magic_link_token: magic } })
      expectProblem(byLink, 400, 'invalid_token')
    })

    it('sends mail to the address of the account, never to what was typed', async () => {
      const typed = ` ${email.toUpperCase()} `
      expect((await ask(server().url, 'reset', { email: typed })).status).to.equal(202)
      const [mail] = await mailsFor(email, 'reset').then(async () => {
        await tokenFor(email, 'reset')
        return mailsFor(email, 'reset')
      })
      expect(mail?.to).to.equal(email)
      expect(tokenIn(mail, 'reset')).to.be.a('string')
    })

    it('is sent to nobody who has no account, and refuses what is no address', async () => {
      const stranger = anAddress()
      expect((await ask(server().url, 'reset', { email: stranger })).status).to.equal(202)
      expect(await allMailsTo(server(), stranger)).to.be.empty
      for (const nothing of ['nobody', 'a@x.example,b@x.example', 'a@x.example;b@x.example', '']) {
        expectProblem(await ask(server().url, 'reset', { email: nothing }), 400, 'invalid_request')
      }
      for (const email of [['a@x.example'], { $ne: '' }, 1, true, null]) {
        expectProblem(await ask(server().url, 'reset', { email }), 400, 'invalid_request')
      }
    })

    it('helps nobody whose account is disabled', async () => {
      const { userId } = await signIn(server().url, email)
      const before = await askedToken(server().url, 'reset', email)
      await server().hallpass.accounts.disable(userId, { kind: 'admin', sessionId: null, ip: null })
      expectProblem(await use(server().url, 'reset', { token: before, password: NEW_PASSWORD }), 400, 'invalid_token')
      expect((await ask(server().url, 'reset', { email })).status).to.equal(202)
      await allMailsTo(server(), email)
      expect(await mailsFor(email, 'reset')).to.have.lengthOf(1)
    })
  })
})
