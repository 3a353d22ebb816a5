import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import { allMailsTo } from '../support/mail.ts'
import { anAddress, PASSWORD, register, send, signIn, type Answer } from '../support/people.ts'
import { accountsOf } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'

const NO_ADDRESSES = [
  '',
  ' ',
  'ada',
  'ada@',
  '@example.com',
  'ada@example',
  'ada@@example.com',
  'ada@exam ple.com',
  'ada@192.0.2.1',
  'ada@[192.0.2.1]',
  'ada@-example.com',
  'a,b@example.com',
  'Ada <ada@example.com>',
  'a@b.example, c@d.example',
  'ada@example.com\r\nBcc: all@example.com',
  'ada@exam%70le.com',
  '\uff41da@example.com',
  'ada\u200b@example.com',
  `${'a'.repeat(65)}@example.com`,
  `a@${'b'.repeat(250)}.example`,
]

describe('An account', () => {
  onBothStores((server) => {
    const tryToRegister = (email: unknown, password: unknown = PASSWORD): Promise<Answer> =>
      send(`${server().url}/v1/users`, { body: { email, password } })

    const tryToSignIn = (email: string, password = PASSWORD): Promise<Answer> =>
      send(`${server().url}/v1/sessions`, { body: { email, password } })

    describe('is made', () => {
      it('with an address and a password, and whether the address was taken is told to its owner alone', async () => {
        const email = anAddress()
        const first = await tryToRegister(email)
        expect(first.status).to.equal(202)
        expect(first.body).to.deep.equal({})
        const second = await tryToRegister(email, 'another long passphrase')
        expect(second.status).to.equal(first.status)
        expect(second.body).to.deep.equal(first.body)
        expect([...second.headers.keys()]).to.deep.equal([...first.headers.keys()])

        expect(await accountsOf(server(), email)).to.have.lengthOf(1)
        expect(await allMailsTo(server(), email)).to.have.members(['confirm', 'account_exists'])
      })

      it('once: whoever registers a taken address changes nothing about it', async () => {
        const email = await register(server().url)
        await tryToRegister(email, 'another long passphrase')
        expect((await tryToSignIn(email)).status).to.equal(201)
        expectProblem(await tryToSignIn(email, 'another long passphrase'), 401, 'invalid_credentials')
      })

      it('once per mailbox, also when twenty spellings of it register at the same time', async () => {
        const name = anAddress().split('@')[0] ?? ''
        const spellings = [
          `${name}@b\u00fccher.example`,
          `${name}@xn--bcher-kva.example`,
          `${name.toUpperCase()}@B\u00dcCHER.example`,
          `  ${name}@bu\u0308cher.EXAMPLE\t`.replace('\t', ' '),
        ]
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) => tryToRegister(spellings[index % spellings.length])),
        )
        expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 20 }, () => 202))
        expect(await accountsOf(server(), `${name}@xn--bcher-kva.example`)).to.have.lengthOf(1)

        const ids = new Set<unknown>()
        for (const spelling of spellings) ids.add((await signIn(server().url, spelling)).userId)
        expect(ids.size).to.equal(1)
      })

      it('apart from addresses that only look alike: there is no rule about dots or plus', async () => {
        const name = anAddress().split('@')[0] ?? ''
        const ids = new Set<string>()
        for (const local of [name, `${name}+tag`, name.replace('-', '.')]) {
          ids.add((await signIn(server().url, await register(server().url, `${local}@example.com`))).userId)
        }
        expect(ids.size).to.equal(3)
      })

      it('only for an address that can receive mail', async () => {
        for (const email of NO_ADDRESSES) {
          const answer = await tryToRegister(email)
          expectProblem(answer, 400, 'invalid_request')
          expect(answer.body['errors'], email).to.deep.equal([{ pointer: '/email', code: 'invalid_address' }])
        }
      })

      it('only with a password that is not easily guessed, and the answer says what is wrong with it', async () => {
        const refused: [password: string, code: string][] = [
          ['short7!', 'too_short'],
          ['', 'too_short'],
          ['x'.repeat(129), 'too_long'],
          ['password1', 'too_common'],
          ['12345678', 'too_common'],
          ['password1234567', 'too_common'],
          ['Hallpass20261231', 'too_common'],
          ['vex hobo', 'too_guessable'],
          ['sunshine moon', 'too_guessable'],
          ['ada.lovelace@example.com', 'same_as_email'],
        ]
        for (const [password, code] of refused) {
          const answer = await tryToRegister('ada.lovelace@example.com', password)
          expectProblem(answer, 400, 'weak_password')
          const faults = answer.body['errors'] as { pointer: string; code: string; message: string }[]
          expect(
            faults.map(({ pointer, code: found }) => [pointer, found]),
            password,
          ).to.deep.include(['/password', code])
          for (const { message } of faults) expect(message).to.match(/^[A-Z].*\.$/)
        }
        expect(await accountsOf(server(), 'ada.lovelace@example.com')).to.be.empty
      })

      it('with a password of 15 to 128 characters of whatever kind, or with a shorter one that is hard to guess', async () => {
        for (const password of ['lowercaseletter', 'q\u00fcx '.repeat(32), '\u{1f9a9}'.repeat(64), 'kq7wmzptxvs']) {
          const email = await register(server().url, anAddress(), password)
          expect((await tryToSignIn(email, password)).status).to.equal(201)
        }
      })
    })

    it('shows itself to its owner', async () => {
      const email = `Ada.${anAddress()}`
      const { accessToken, userId } = await signIn(server().url, await register(server().url, ` ${email} `))
      const me = await send(`${server().url}/v1/users/me`, { token: accessToken })
      expect(me.status).to.equal(200)
      expect(me.body).to.have.all.keys('id', 'email', 'email_verified', 'created_at', 'claims')
      expect(me.body).to.deep.include({ id: userId, email, email_verified: false, claims: {} })
      expect(me.body['created_at']).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

      await server().hallpass.users.confirm(email, { kind: 'admin', sessionId: null, ip: null })
      expect((await send(`${server().url}/v1/users/me`, { token: accessToken })).body['email_verified']).to.equal(true)
    })

    it('is shown to nobody without an access token', async () => {
      const answer = await send(`${server().url}/v1/users/me`)
      expectProblem(answer, 401, 'invalid_access_token')
      expect(answer.headers.get('www-authenticate')).to.equal('Bearer')
      const wrong = await send(`${server().url}/v1/users/me`, { token: 'x' })
      expectProblem(wrong, 401, 'invalid_access_token')
      expect(wrong.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
    })

    it('is entered under any case and form of its address', async () => {
      const email = await register(server().url, `Zo\u00eb.${anAddress()}`)
      for (const spelling of [email.toLowerCase(), email.toUpperCase(), ` ${email} `, email.normalize('NFD')]) {
        expect((await tryToSignIn(spelling)).status, spelling).to.equal(201)
      }
    })
  })
})
