import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createHallpass, type HallpassService, type Mail } from 'hallpass/server'
import { createTextMessageDelivery, type TextMessageGateway } from '../../examples/text-message-delivery/delivery.ts'
import { anAddress, PASSWORD, send } from '../support/people.ts'

type Message = Parameters<TextMessageGateway['send']>[0]

/** A gateway that takes every message, and somebody who waits for one. */
function createFakeGateway(): TextMessageGateway & { next(): Promise<Message> } {
  const sent: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  return {
    async send(message) {
      const wake = waiting.shift()
      if (wake) wake(message)
      else sent.push(message)
    },
    next: () => {
      const message = sent.shift()
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve))
    },
  }
}

const PHONE = '+351 912 345 678'

describe('A delivery by text message', () => {
  describe('in an application that has Hallpass in its process', () => {
    const gateway = createFakeGateway()
    const mails: Mail[] = []
    const deliver = createTextMessageDelivery({
      gateway,
      phoneOf: async (address) => (address.startsWith('person') ? PHONE : null),
      byMail: async (mail) => void mails.push(mail),
    })
    let hallpass: HallpassService
    let server: Server
    let url: string
    before(async function () {
      this.timeout(60_000)
      const environment = { HALLPASS_DATA_DIR: 'memory://', HALLPASS_RATE_LIMITS: 'off', LOG_LEVEL: 'silent' }
      hallpass = await createHallpass({ environment, deliver })
      server = createServer(hallpass.callback()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    after(async () => {
      server.close()
      server.closeAllConnections()
      await hallpass.close()
    })

    const tokenIn = ({ text }: Message): string => new URL(text.split(' ').at(-1) ?? '').searchParams.get('token') ?? ''

    it('brings the links that people wait for to their phones, and they work', async () => {
      const email = anAddress()
      await send(`${url}/v1/users`, { body: { email, password: PASSWORD } })
      const confirmation = await gateway.next()
      expect(confirmation).to.include({ to: PHONE })
      expect(confirmation.text).to.match(
        /^Confirm your account: http:\/\/localhost:3000\/confirm\?token=hpem_[\w-]{43}$/,
      )
      expect(confirmation.reference).to.match(/^[\da-f-]{36}$/)
      expect(confirmation.text).to.have.length.below(160)
      const confirmed = await send(`${url}/v1/email-confirmations`, {
        method: 'PUT',
        body: { token: tokenIn(confirmation) },
      })
      expect(confirmed.status).to.equal(204)

      await send(`${url}/v1/magic-links`, { body: { email } })
      const link = await gateway.next()
      expect(link.text).to.match(/^Sign in: http:\/\/localhost:3000\/magic\?token=/)
      const signedIn = await send(`${url}/v1/sessions`, { body: { magic_link_token: tokenIn(link) } })
      expect(signedIn.status).to.equal(201)
    })

    it('shows no mailbox: everything went somewhere', async () => {
      expect((await send(`${url}/dev/mailbox.json`)).status).to.equal(404)
    })
  })

  describe('by itself', () => {
    const mail: Mail = {
      id: '01890a5d-ac96-774b-bcce-b302099a8057',
      to: 'ada@example.com',
      purpose: 'magic_link',
      link: 'https://auth.example/magic?token=hpem_x',
      locale: null,
      details: {},
    }
    const refusing: TextMessageGateway = { send: () => Promise.reject(new Error('no network')) }

    it('tells Hallpass when a message was not taken, so that it comes again', async () => {
      const deliver = createTextMessageDelivery({ gateway: refusing, phoneOf: async () => PHONE })
      const failure = await deliver(mail).catch((error: unknown) => error)
      expect(failure).to.be.an('error').with.property('message', 'no network')
    })

    it('leaves to mail what has no link, what nobody waits for, and people without a phone', async () => {
      const mails: Mail[] = []
      const byMail = async (each: Mail) => void mails.push(each)
      const withPhone = createTextMessageDelivery({ gateway: refusing, phoneOf: async () => PHONE, byMail })
      const withoutPhone = createTextMessageDelivery({ gateway: refusing, phoneOf: async () => null, byMail })
      const rest: Mail[] = [
        { ...mail, purpose: 'new_device' },
        { ...mail, purpose: 'account_deleted', link: null },
      ]
      for (const each of rest) await withPhone(each)
      await withoutPhone(mail)
      expect(mails).to.deep.equal([...rest, mail])
    })

    it('lets that go where there is no mail', async () => {
      const deliver = createTextMessageDelivery({ gateway: refusing, phoneOf: async () => PHONE })
      await deliver({ ...mail, purpose: 'password_changed' })
    })
  })
})
