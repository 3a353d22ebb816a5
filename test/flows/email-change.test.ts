import { expect } from 'chai'
import { ageEmailTokens } from '../support/aging.ts'
import {
  aConfirmedPerson,
  ask,
  askedChange,
  askedToken,
  changeAddress,
  NEW_PASSWORD,
  use,
} from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo, mailsAbout, tokenFor } from '../support/mail.ts'
import { anAddress, PASSWORD, refresh, register, send, signIn, type SignedIn } from '../support/people.ts'
import { eventsOfAccount, HOUR, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('Changing the address', () => {
  onBothStores((server) => {
    let person: SignedIn
    let wanted: string
    beforeEach(async () => {
      person = await aConfirmedPerson(server().url)
      wanted = anAddress()
    })

    const tryToSignIn = (email: string, password = PASSWORD) =>
      send(`${server().url}/v1/sessions`, { body: { email, password } })
    const addressNow = async (token = person.accessToken) => (await send(`${server().url}/v1/users/me`, { token })).body

    it('takes a link from the new mailbox; until then the old address stays', async () => {
      const token = await askedChange(server().url, person, wanted)
      expect(await addressNow()).to.include({ email: person.email })
      expectProblem(await tryToSignIn(wanted), 401, 'invalid_credentials')

      expect((await use(server().url, 'change-email', { token })).status).to.equal(204)
      expect(await addressNow()).to.include({ email: wanted, email_verified: true })
      expect((await tryToSignIn(wanted)).status).to.equal(201)
      expectProblem(await tryToSignIn(person.email), 401, 'invalid_credentials')
      expectProblem(await use(server().url, 'change-email', { token }), 400, 'invalid_token')
      expect(await eventsOfAccount(server(), person.userId)).to.include('user.email_changed')
    })

    it('signs every device out but the one that asked', async () => {
      const other = await signIn(server().url, person.email)
      await changeAddress(server().url, person, wanted)
      expect((await refresh(server().url, person.refreshToken)).status).to.equal(200)
      expect((await refresh(server().url, other.refreshToken)).body).to.include({
        reason: 'email_changed',
        terminal: true,
      })
    })

    it('tells the old address, which can take itself back', async () => {
      await changeAddress(server().url, person, wanted)
      const [mail] = await mailsAbout(person.email, 'email_changed')
      expect(mail?.text).to.include(wanted)
      expect(await allMailsTo(server(), wanted)).to.deep.equal(['change_email'])
    })

    it('wants recent authentication', async () => {
      await moveTimes(server(), person, { authenticated_at: -11 * MINUTE })
      const { body } = await refresh(server().url, person.refreshToken)
      const answer = await ask(server().url, 'change-email', { email: wanted }, body.access_token)
      expectProblem(answer, 401, 'insufficient_user_authentication')
      expect(answer.headers.get('www-authenticate')).to.equal(
        'Bearer error="insufficient_user_authentication", max_age="600"',
      )
      expectProblem(await ask(server().url, 'change-email', { email: wanted }), 401, 'invalid_access_token')
    })

    it('gives a day for it, and one link at a time', async () => {
      const older = await askedChange(server().url, person, wanted)
      const newer = await askedChange(server().url, person, anAddress())
      expectProblem(await use(server().url, 'change-email', { token: older }), 400, 'invalid_token')
      await ageEmailTokens(server(), person.email, 24 * HOUR)
      expectProblem(await use(server().url, 'change-email', { token: newer }), 400, 'invalid_token')
    })

    it('does not tell that an address is taken; its owner hears of it, and nothing changes', async () => {
      const taken = await register(server().url)
      const answer = await ask(server().url, 'change-email', { email: taken }, person.accessToken)
      const free = await ask(server().url, 'change-email', { email: wanted }, person.accessToken)
      expect(answer.status).to.equal(free.status)
      expect(answer.body).to.deep.equal(free.body)
      expect(await mailsAbout(taken, 'email_in_use')).to.have.lengthOf(1)
      expect(await allMailsTo(server(), taken)).not.to.include('change_email')
    })

    it('fails at the end when somebody else took the address meanwhile', async () => {
      const token = await askedChange(server().url, person, wanted)
      await register(server().url, wanted)
      expectProblem(await use(server().url, 'change-email', { token }), 400, 'invalid_token')
      expect(await addressNow()).to.include({ email: person.email })
    })

    it('is not done by a link of somebody else while signed in', async () => {
      const stranger = await signIn(server().url, await register(server().url))
      const token = await askedChange(server().url, person, wanted)
      expectProblem(
        await use(server().url, 'change-email', { token }, { token: stranger.accessToken }),
        400,
        'invalid_token',
      )
      expect((await use(server().url, 'change-email', { token }, { token: person.accessToken })).status).to.equal(204)
    })

    it('is over when the device that asked for it is signed out: a thief’s does not come later', async () => {
      const theirs = await signIn(server().url, person.email)
      const token = await askedChange(server().url, theirs, wanted)
      await send(`${server().url}/v1/sessions?except=current`, { method: 'DELETE', token: person.accessToken })
      expectProblem(await use(server().url, 'change-email', { token }), 400, 'invalid_token')
      expect(await addressNow()).to.include({ email: person.email })
    })

    it('offers no way back to an address that was never confirmed: a mistake in typing is no claim', async () => {
      const mistyped = await signIn(server().url, await register(server().url))
      await changeAddress(server().url, mistyped, wanted)
      expect(await allMailsTo(server(), mistyped.email)).to.deep.equal(['confirm'])
    })

    it('voids what was mailed to the old address', async () => {
      const reset = await askedToken(server().url, 'reset', person.email)
      const magic = await askedToken(server().url, 'magic', person.email)
      await changeAddress(server().url, person, wanted)
      expectProblem(await use(server().url, 'reset', { token: reset, password: NEW_PASSWORD }), 400, 'invalid_token')
      expectProblem(
        await send(`${server().url}/v1/sessions`, { body: { magic_link_token: magic } }),
        400,
        'invalid_token',
      )
    })

    describe('and taking it back', () => {
      let token: string
      beforeEach(async () => {
        await changeAddress(server().url, person, wanted)
        token = await tokenFor(person.email, 'revert-email')
      })

      it('brings the old address back, ends every session and voids the password until a reset, which it mails', async () => {
        expect((await use(server().url, 'revert-email', { token })).status).to.equal(204)
        expect((await refresh(server().url, person.refreshToken)).body).to.include({ reason: 'email_changed' })
        for (const address of [person.email, wanted])
          expectProblem(await tryToSignIn(address), 401, 'invalid_credentials')

        const reset = await tokenFor(person.email, 'reset')
        await use(server().url, 'reset', { token: reset, password: NEW_PASSWORD })
        const { body } = await tryToSignIn(person.email, NEW_PASSWORD)
        expect(await addressNow(body['access_token'] as string)).to.include({ email: person.email, id: person.userId })
        expect(await eventsOfAccount(server(), person.userId)).to.include('user.email_reverted')
      })

      it('works for 72 hours, once', async () => {
        await ageEmailTokens(server(), wanted, 72 * HOUR - MINUTE)
        expect((await use(server().url, 'revert-email', { token })).status).to.equal(204)
        expectProblem(await use(server().url, 'revert-email', { token }), 400, 'invalid_token')
      })

      it('does not work any later', async () => {
        await ageEmailTokens(server(), wanted, 72 * HOUR)
        expectProblem(await use(server().url, 'revert-email', { token }), 400, 'invalid_token')
      })

      it('works also after a password reset from the new address, which a thief would do first', async () => {
        const reset = await askedToken(server().url, 'reset', wanted)
        await use(server().url, 'reset', { token: reset, password: NEW_PASSWORD })
        expect((await use(server().url, 'revert-email', { token })).status).to.equal(204)
      })

      it('works also when the address was changed once more, and then leads there no more', async () => {
        const third = anAddress()
        await changeAddress(server().url, person, third)
        const later = await tokenFor(wanted, 'revert-email')
        expect((await use(server().url, 'revert-email', { token })).status).to.equal(204)
        expectProblem(await use(server().url, 'revert-email', { token: later }), 400, 'invalid_token')
      })

      it('works also when somebody registered the old address meanwhile, who never confirmed it', async () => {
        await register(server().url, person.email, 'the passphrase of a squatter')
        const squatter = await send(`${server().url}/v1/sessions`, {
          body: { email: person.email, password: 'the passphrase of a squatter' },
        })
        expect(squatter.status).to.equal(201)
        expect((await use(server().url, 'revert-email', { token })).status).to.equal(204)
        expectProblem(await tryToSignIn(person.email, 'the passphrase of a squatter'), 401, 'invalid_credentials')
        expect(await addressNow(squatter.body['access_token'] as string)).to.include({ email: null })
      })
    })
  })
})
