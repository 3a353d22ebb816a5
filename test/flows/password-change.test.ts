import { expect } from 'chai'
import { aConfirmedPerson, askedChange, askedToken, changePassword, NEW_PASSWORD, use } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo } from '../support/mail.ts'
import { anAddress, PASSWORD, refresh, register, rotate, send, signIn, type SignedIn } from '../support/people.ts'
import { eventsOfAccount, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

describe('Changing the password', () => {
  onBothStores((server) => {
    let person: SignedIn
    beforeEach(async () => {
      person = await signIn(server().url, await register(server().url))
    })

    const change = (current: string, password: string, token = person.accessToken) =>
      changePassword(server().url, token, current, password)
    const tryToSignIn = (password: string) =>
      send(`${server().url}/v1/sessions`, { body: { email: person.email, password } })

    it('takes the current one, and from then on only the new one signs in', async () => {
      expect((await change(PASSWORD, NEW_PASSWORD)).status).to.equal(204)
      expectProblem(await tryToSignIn(PASSWORD), 401, 'invalid_credentials')
      expect((await tryToSignIn(NEW_PASSWORD)).status).to.equal(201)
    })

    it('signs out every other device and not this one, and tells the person', async () => {
      const other = await signIn(server().url, person.email)
      await change(PASSWORD, NEW_PASSWORD)
      expect((await refresh(server().url, person.refreshToken)).status).to.equal(200)
      expect((await refresh(server().url, other.refreshToken)).body).to.include({ reason: 'password_changed' })
      expect(await allMailsTo(server(), person.email)).to.include('password_changed')
      expect(await eventsOfAccount(server(), person.userId)).to.include('user.password_changed')
    })

    it('ends the grace of the last rotation: a copied predecessor is answered no more', async () => {
      const [first] = await rotate(server().url, person, 1)
      await change(PASSWORD, NEW_PASSWORD)
      expect((await refresh(server().url, first)).body).to.include({ reason: 'token_reuse' })
    })

    it('voids pending links, also the one to another address', async () => {
      const reset = await askedToken(server().url, 'reset', person.email)
      const other = await askedChange(server().url, person, anAddress())
      await change(PASSWORD, NEW_PASSWORD)
      expectProblem(await use(server().url, 'reset', { token: reset, password: PASSWORD }), 400, 'invalid_token')
      expectProblem(await use(server().url, 'change-email', { token: other }), 400, 'invalid_token')
    })

    it('is refused with a wrong current one, or a new one that is easily guessed', async () => {
      expectProblem(await change('not the passphrase', NEW_PASSWORD), 401, 'invalid_credentials')
      const weak = await change(PASSWORD, 'password1234567')
      expectProblem(weak, 400, 'weak_password')
      expect((weak.body['errors'] as { code: string }[])[0]?.code).to.equal('too_common')
      expectProblem(await change(PASSWORD, person.email), 400, 'weak_password')
      expect((await tryToSignIn(PASSWORD)).status).to.equal(201)
    })

    it('wants recent authentication', async () => {
      await moveTimes(server(), person, { authenticated_at: -11 * MINUTE })
      const { body } = await refresh(server().url, person.refreshToken)
      expectProblem(await change(PASSWORD, NEW_PASSWORD, body.access_token), 401, 'insufficient_user_authentication')
    })

    it('lets only one of two changes at once win', async () => {
      const passwords = ['the first of two passphrases', 'the second of two passphrases']
      const answers = await Promise.all(passwords.map((password) => change(PASSWORD, password)))
      expect(answers.map(({ status }) => status)).to.have.members([204, 401])
      const works = await Promise.all(passwords.map(tryToSignIn))
      expect(works.map(({ status }) => status)).to.deep.equal(answers.map(({ status }) => (status === 204 ? 201 : 401)))
    })
  })
})

describe('Deleting an account', () => {
  onBothStores((server) => {
    let person: SignedIn
    beforeEach(async () => {
      person = await signIn(server().url, await register(server().url))
    })

    const deleteMe = (token = person.accessToken) => send(`${server().url}/v1/users/me`, { method: 'DELETE', token })

    it('ends every session with the reason, and frees the address for somebody new', async () => {
      const other = await signIn(server().url, person.email)
      expect((await deleteMe()).status).to.equal(204)
      for (const { refreshToken } of [person, other]) {
        expect((await refresh(server().url, refreshToken)).body).to.include({
          reason: 'account_deleted',
          terminal: true,
        })
      }
      expectProblem(await deleteMe(), 401, 'invalid_access_token')
      expectProblem(
        await send(`${server().url}/v1/sessions`, { body: { email: person.email, password: PASSWORD } }),
        401,
        'invalid_credentials',
      )
      const again = await signIn(server().url, await register(server().url, person.email))
      expect(again.userId).not.to.equal(person.userId)
    })

    it('wants recent authentication', async () => {
      await moveTimes(server(), person, { authenticated_at: -11 * MINUTE })
      const { body } = await refresh(server().url, person.refreshToken)
      expectProblem(await deleteMe(body.access_token), 401, 'insufficient_user_authentication')
    })

    it('tells whoever had confirmed the address', async () => {
      const { accessToken, email } = await aConfirmedPerson(server().url)
      await deleteMe(accessToken)
      expect(await allMailsTo(server(), email)).to.include('account_deleted')
    })

    it('leaves links in the mailbox that do nothing', async () => {
      const reset = await askedToken(server().url, 'reset', person.email)
      await deleteMe()
      expectProblem(await use(server().url, 'reset', { token: reset, password: NEW_PASSWORD }), 400, 'invalid_token')
    })
  })
})

describe('A disabled account', () => {
  onBothStores((server) => {
    const operator = { kind: 'admin', sessionId: null, ip: null } as const

    it('is signed out everywhere, gets in nowhere, and comes back when it is enabled', async () => {
      const person = await signIn(server().url, await register(server().url))
      const magic = await askedToken(server().url, 'magic', person.email)
      await server().hallpass.accounts.disable(person.userId, operator)
      expect((await refresh(server().url, person.refreshToken)).body).to.include({
        reason: 'account_disabled',
        terminal: true,
      })
      expectProblem(
        await send(`${server().url}/v1/users/me`, { token: person.accessToken }),
        401,
        'invalid_access_token',
      )
      const signInNow = () => send(`${server().url}/v1/sessions`, { body: { email: person.email, password: PASSWORD } })
      expectProblem(await signInNow(), 401, 'invalid_credentials')
      expectProblem(
        await send(`${server().url}/v1/sessions`, { body: { magic_link_token: magic } }),
        400,
        'invalid_token',
      )
      await server().hallpass.accounts.enable(person.userId, operator)
      expect((await signInNow()).status).to.equal(201)
    })
  })
})
