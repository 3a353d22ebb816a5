/** Whoever knows an address learns nothing about its account. In time: bench/enumeration.ts. */
import { expect } from 'chai'
import { ask, use } from '../support/email-flows.ts'
import { allMailsTo, tokenFor } from '../support/mail.ts'
import { anAddress, PASSWORD, register, send, signIn, type Answer } from '../support/people.ts'
import { onStore } from '../support/server.ts'

const OPERATOR = { kind: 'admin', sessionId: null, ip: null } as const

describe('Whether an address has an account', () => {
  onStore(
    'postgresql',
    (server) => {
      const kinds = ['unknown', 'unconfirmed', 'confirmed', 'disabled', 'signed in', 'without a password'] as const
      let people: Record<(typeof kinds)[number], string>
      let asker: string

      beforeEach(async () => {
        const url = server().url
        people = {
          unknown: anAddress(),
          unconfirmed: await register(url),
          confirmed: await confirmed(),
          disabled: await confirmed(),
          'signed in': await confirmed(),
          'without a password': await confirmed(),
        }
        await signIn(url, people['signed in'])
        const { userId } = await signIn(url, people.disabled)
        await server().hallpass.accounts.disable(userId, OPERATOR)
        await server().hallpass.store.database.query(
          { name: 'test.no_password', text: 'update users set password_hash = null where email = $1::text' },
          [people['without a password']],
        )
        asker = (await signIn(url, await confirmed())).accessToken
      })

      async function confirmed(): Promise<string> {
        const email = await register(server().url)
        await use(server().url, 'confirm', { token: await tokenFor(email, 'confirm') })
        return email
      }

      /** Everything of an answer that its sender can tell apart. */
      const visible = ({ status, headers, body }: Answer): object => ({
        status,
        body,
        headers: [...headers].filter(([name]) => name !== 'date'),
      })

      async function expectOneAnswer(about: (email: string) => Promise<Answer>): Promise<void> {
        const unknown = visible(await about(people.unknown))
        for (const kind of kinds) expect(visible(await about(people[kind])), kind).to.deep.equal(unknown)
      }

      it('is not told by registering', () =>
        expectOneAnswer((email) =>
          send(`${server().url}/v1/users`, { body: { email, password: 'a passphrase of mine' } }),
        ))

      it('is not told by registering with a password that is refused', () =>
        expectOneAnswer((email) => send(`${server().url}/v1/users`, { body: { email, password: 'password1234567' } })))

      it('is not told by signing in with a wrong password', () =>
        expectOneAnswer((email) =>
          send(`${server().url}/v1/sessions`, { body: { email, password: 'not the passphrase' } }),
        ))

      it('is not told by signing in with the right password, where one may not sign in', async () => {
        const signInAs = async (email: string) =>
          visible(await send(`${server().url}/v1/sessions`, { body: { email, password: PASSWORD } }))
        const unknown = await signInAs(people.unknown)
        for (const kind of ['unconfirmed', 'disabled', 'without a password'] as const) {
          expect(await signInAs(people[kind]), kind).to.deep.equal(unknown)
        }
      })

      for (const flow of ['confirm', 'magic', 'reset'] as const) {
        it(`is not told by asking for a mail (${flow})`, () =>
          expectOneAnswer((email) => ask(server().url, flow, { email })))
      }

      it('is not told by wanting it for one’s own account', () =>
        expectOneAnswer((email) => ask(server().url, 'change-email', { email }, asker)))

      it('is not told by the pages either', async () => {
        for (const page of ['reset', 'magic', 'confirm']) {
          const answers = new Set<string>()
          for (const kind of kinds) {
            const answer = await fetch(`${server().url}/${page}`, {
              method: 'POST',
              headers: { origin: 'http://localhost' },
              body: new URLSearchParams({ email: people[kind] }),
            })
            answers.add(`${answer.status} ${await answer.text()}`)
          }
          expect(answers.size, page).to.equal(1)
        }
      })

      it('is known to its owner, by mail', async () => {
        for (const kind of kinds) await ask(server().url, 'reset', { email: people[kind] })
        const told = await Promise.all(kinds.map((kind) => allMailsTo(server(), people[kind])))
        expect(told.map((purposes) => purposes.includes('reset_password'))).to.deep.equal([
          false,
          true,
          true,
          false,
          true,
          true,
        ])
      })
    },
    { HALLPASS_UNCONFIRMED_SIGN_IN: 'refuse' },
  )
})
