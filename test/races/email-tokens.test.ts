import { expect } from 'chai'
import {
  aConfirmedPerson,
  askedChange,
  askedToken,
  changeAddress,
  NEW_PASSWORD,
  signInByLink,
  use,
} from '../support/email-flows.ts'
import { mailsAbout, tokenFor, tokenIn } from '../support/mail.ts'
import { anAddress, register, send, signIn } from '../support/people.ts'
import { onTwoProcesses } from '../support/processes.ts'
import { eventsOf, eventsOfAccount } from '../support/rows.ts'

const ROUNDS = 4
const times = <Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))

describe('Sixteen who use one mail token at once', function () {
  this.timeout(120_000)
  onTwoProcesses((service) => {
    const url = (turn = 0): string => service().url(turn)

    /** Exactly one wins; nobody meets an error of ours; who waited too long for the lock may be told 503. */
    function expectOneWinner(answers: { status: number }[], success: number): void {
      const statuses = answers.map(({ status }) => status)
      expect(
        statuses.filter((status) => status === success),
        statuses.join(' '),
      ).to.have.lengthOf(1)
      expect(
        statuses.every((status) => [success, 400, 503].includes(status)),
        statuses.join(' '),
      ).to.equal(true)
    }

    it('confirm an address once', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const email = await register(url(round))
        const { userId } = await signIn(url(), email)
        const token = await tokenFor(email, 'confirm')
        expectOneWinner(await times(16, (turn) => use(url(turn), 'confirm', { token })), 204)
        const events = await eventsOfAccount(service().aside, userId)
        expect(events.filter((type) => type === 'user.confirmed')).to.have.lengthOf(1)
      }
    })

    it('reset a password once, to one of sixteen passwords', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const email = await register(url(round))
        const token = await askedToken(url(), 'reset', email)
        const answers = await times(16, (turn) =>
          use(url(turn), 'reset', { token, password: `passphrase number ${turn}` }),
        )
        expectOneWinner(answers, 204)
        const winner = answers.findIndex(({ status }) => status === 204)
        const password = `passphrase number ${winner}`
        expect((await send(`${url()}/v1/sessions`, { body: { email, password } })).status).to.equal(201)
      }
    })

    it('sign in by a magic link once: one session', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const email = await register(url(round))
        const token = await askedToken(url(), 'magic', email)
        const answers = await times(16, (turn) => signInByLink(url(turn), token))
        expectOneWinner(answers, 201)
        const winner = answers.find(({ status }) => status === 201)
        const list = await send(`${url()}/v1/sessions`, { token: winner?.body.access_token ?? '' })
        expect(list.body['sessions']).to.have.lengthOf(1)
      }
    })

    it('change an address once', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const person = await aConfirmedPerson(url(round))
        const token = await askedChange(url(), person, anAddress())
        expectOneWinner(await times(16, (turn) => use(url(turn), 'change-email', { token })), 204)
        expect(await mailsAbout(person.email, 'email_changed')).to.have.lengthOf(1)
      }
    })

    it('take an address back once', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const person = await aConfirmedPerson(url(round))
        await changeAddress(url(), person, anAddress())
        const token = await tokenFor(person.email, 'revert-email')
        expectOneWinner(await times(16, (turn) => use(url(turn), 'revert-email', { token })), 204)
      }
    })

    it('report a device once', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const email = await register(url(round))
        await signIn(url(), email)
        const device = await signIn(url(), email, { headers: { 'user-agent': 'Postcards/2.3.1' } })
        const [mail] = await mailsAbout(email, 'new_device')
        const token = tokenIn(mail, 'not-me')
        const answers = await times(16, async (turn) => {
          const headers = { origin: 'http://localhost' }
          const body = new URLSearchParams({ token })
          return { status: (await fetch(`${url(turn)}/not-me`, { method: 'POST', headers, body })).status }
        })
        expectOneWinner(answers, 200)
        const events = await eventsOf(service().aside, device)
        expect(events.filter(({ reason }) => reason === 'not_me')).to.have.lengthOf(1)
      }
    })

    it('delete an account once, as its owner', async () => {
      const person = await signIn(url(), await register(url()))
      const answers = await times(16, (turn) =>
        send(`${url(turn)}/v1/users/me`, { method: 'DELETE', token: person.accessToken }),
      )
      expect(answers.every(({ status }) => [204, 401, 503].includes(status))).to.equal(true)
      const events = await eventsOfAccount(service().aside, person.userId)
      expect(events.filter((type) => type === 'user.deleted')).to.have.lengthOf(1)
    })

    it('give one new address to one of two accounts that both confirm it', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const wanted = anAddress()
        const [one, other] = [await signIn(url(), await register(url())), await signIn(url(), await register(url()))]
        const first = await askedChange(url(), one, wanted)
        await send(`${url()}/v1/email-changes`, { body: { email: wanted }, token: other.accessToken })
        const second = tokenIn((await mailsAbout(wanted, 'change_email', 2))[1], 'change-email')
        const answers = await Promise.all([
          use(url(0), 'change-email', { token: first }),
          use(url(1), 'change-email', { token: second }),
        ])
        expectOneWinner(answers, 204)
      }
    })

    it('leave no session that began before a reset and ended after it', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const email = await register(url(round))
        const token = await askedToken(url(), 'reset', email)
        const [reset, ...signIns] = await Promise.all([
          use(url(), 'reset', { token, password: NEW_PASSWORD }),
          ...Array.from({ length: 8 }, (_, turn) =>
            send<{ access_token?: string }>(`${url(turn)}/v1/sessions`, {
              body: { email, password: 'a long enough passphrase' },
            }),
          ),
        ])
        expect(reset.status).to.equal(204)
        for (const { body } of signIns) {
          const { status } = await send(`${url()}/v1/users/me`, { token: body.access_token ?? 'x' })
          expect(status).to.equal(401)
        }
      }
    })
  })
})
