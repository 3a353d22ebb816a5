import { expect } from 'chai'
import { anAddress, register, send } from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onBothStores, onStore, type TestServer } from '../support/server.ts'

const FORWARDING_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
]

const open = (server: TestServer, headers: Record<string, string>, path = '/dev/mailbox.json') =>
  sendRawRequest(server.url, { path, headers })

describe('The mailbox of developers', () => {
  onStore(
    'embedded',
    (server) => {
      it('keeps the mail that goes nowhere else, oldest first', async () => {
        expect((await send(`${server().url}/dev/mailbox.json`)).body).to.deep.equal({ messages: [] })
        const emails = [anAddress(), anAddress()]
        for (const email of emails) {
          await register(server().url, email)
          await server().hallpass.sending.run()
        }
        const { body } = await send<{ messages: Record<string, string>[] }>(`${server().url}/dev/mailbox.json`)
        expect(body.messages.map(({ to }) => to)).to.deep.equal(emails)
        const [first] = body.messages
        expect(first).to.have.all.keys('id', 'to', 'subject', 'text', 'html', 'created_at')
        expect(first?.['text']).to.match(/http:\/\/localhost\/confirm\?token=hpem_/)
        expect(first?.['created_at']).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      })

      it('is shown to somebody at this machine', async () => {
        for (const host of ['localhost', 'localhost:3000', '127.0.0.1', '127.0.0.1:3000']) {
          for (const path of ['/dev/mailbox.json', '/dev/mailbox']) {
            expect((await open(server(), { host }, path)).status, host).to.equal(200)
          }
        }
      })

      it('is not there under another name, which a page could have bound to this address', async () => {
        for (const host of [
          'evil.example',
          'localhost.evil.example',
          '127.0.0.1.evil.example',
          '127.0.0.2',
          'localhost:x',
        ]) {
          expect((await open(server(), { host })).status, host).to.equal(404)
        }
      })

      it('is not there through a proxy', async () => {
        for (const header of FORWARDING_HEADERS) {
          expect((await open(server(), { host: 'localhost', [header]: '127.0.0.1' })).status, header).to.equal(404)
        }
      })
    },
    { SMTP_URL: undefined, HALLPASS_MAIL_FROM: undefined },
  )
})

describe('The mailbox of developers where mail is sent', () => {
  onBothStores((server) => {
    it('is not there at all', async () => {
      for (const path of ['/dev/mailbox.json', '/dev/mailbox', '/dev/mailbox/x']) {
        expect((await open(server(), { host: 'localhost' }, path)).status).to.equal(404)
      }
    })
  })
})
