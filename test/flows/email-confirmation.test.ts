import { expect } from 'chai'
import { ageEmailTokens } from '../support/aging.ts'
import { ask, askedToken, NEW_PASSWORD, use } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo, mailsAbout, mailsFor, sharedMailServer, tokenFor, tokenIn } from '../support/mail.ts'
import { anAddress, PASSWORD, refresh, register, send, signIn } from '../support/people.ts'
import { eventsOfAccount, HOUR, MINUTE } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('Confirming an address', () => {
  onBothStores((server) => {
    let email: string
    beforeEach(async () => {
      email = await register(server().url)
    })

    it('takes the link from the mail, and signs nobody out', async () => {
      const device = await signIn(server().url, email)
      const token = await tokenFor(email, 'confirm')
      expect((await use(server().url, 'confirm', { token })).status).to.equal(204)
      const me = await send(`${server().url}/v1/users/me`, { token: device.accessToken })
      expect(me.body['email_verified']).to.equal(true)
      expect((await refresh(server().url, device.refreshToken)).status).to.equal(200)
      expect(await eventsOfAccount(server(), device.userId)).to.include('user.confirmed')
    })

    it('is asked for again by anybody, and the older link is void then', async () => {
      const older = await tokenFor(email, 'confirm')
      const newer = await askedToken(server().url, 'confirm', email, 1)
      expectProblem(await use(server().url, 'confirm', { token: older }), 400, 'invalid_token')
      expect((await use(server().url, 'confirm', { token: newer })).status).to.equal(204)
      expectProblem(await use(server().url, 'confirm', { token: newer }), 400, 'invalid_token')
    })

    it('has a day for it', async () => {
      const token = await tokenFor(email, 'confirm')
      await ageEmailTokens(server(), email, 24 * HOUR)
      expectProblem(await use(server().url, 'confirm', { token }), 400, 'invalid_token')
      const other = await askedToken(server().url, 'confirm', email, 1)
      await ageEmailTokens(server(), email, 24 * HOUR - MINUTE)
      expect((await use(server().url, 'confirm', { token: other })).status).to.equal(204)
    })

    it('is not mailed to who has confirmed already, nor to strangers', async () => {
      await use(server().url, 'confirm', { token: await tokenFor(email, 'confirm') })
      const stranger = anAddress()
      for (const address of [email, stranger]) {
        const answer = await ask(server().url, 'confirm', { email: address })
        expect(answer.status).to.equal(202)
        expect(answer.body).to.deep.equal({})
      }
      expect(await allMailsTo(server(), stranger)).to.be.empty
      expect(await mailsAbout(email, 'confirm')).to.have.lengthOf(1)
    })

    it('tells who registers a taken address that there is an account, with a way to get into it', async () => {
      await send(`${server().url}/v1/users`, { body: { email, password: 'somebody else’s passphrase' } })
      const [mail] = await mailsAbout(email, 'account_exists')
      const token = tokenIn(mail, 'reset')
      expect((await use(server().url, 'reset', { token, password: NEW_PASSWORD })).status).to.equal(204)
      expect((await send(`${server().url}/v1/sessions`, { body: { email, password: NEW_PASSWORD } })).status).to.equal(
        201,
      )
    })

    it('speaks to people: a mail in text and HTML, one link, from the sender of the service', async () => {
      const token = await tokenFor(email, 'confirm')
      const [mail] = await mailsFor(email, 'confirm')
      expect(mail?.from).to.equal('"Hallpass" <post@hallpass.example>')
      expect(mail?.html).to.include(`http://localhost/confirm?token=${token}`).and.include('<html lang="en"')
      expect(mail?.text).to.include(`http://localhost/confirm?token=${token}`)
      expect(mail?.messageId).to.match(/^<[\da-f-]{36}@localhost>$/)
      expect(mail?.headers.get('auto-submitted')).to.equal('auto-generated')
      expect(`${mail?.text}${mail?.html}`).not.to.include(PASSWORD)
    })

    it('refuses what is no token before it asks anybody', async () => {
      for (const token of [
        '',
        'x',
        'hpem_',
        `hpem_${'A'.repeat(42)}`,
        `hpem_${'A'.repeat(44)}`,
        `hpem_${'-'.repeat(43)}`,
      ]) {
        expectProblem(await use(server().url, 'confirm', { token }), 400, 'invalid_token')
      }
      for (const token of [null, 1, {}, ['hpem_']]) {
        expectProblem(await use(server().url, 'confirm', { token }), 400, 'invalid_request')
      }
    })
  })
})

describe('A mail server that is slow or away', () => {
  onBothStores(
    (server) => {
      it('shows in no answer: neither in its status nor in what it waits for', async () => {
        const email = await register(server().url)
        for (const flow of ['reset', 'magic', 'confirm'] as const) {
          const answer = await ask(server().url, flow, { email })
          expect(answer.status, flow).to.equal(202)
          expect(answer.body).to.deep.equal({})
        }
        expect((await sharedMailServer()).mailsTo(email)).to.be.empty
      })
    },
    { SMTP_URL: 'smtp://127.0.0.1:9' },
  )
})
