import { expect } from 'chai'
import { RESOURCES } from '../support/email-flows.ts'
import { mailsAbout, sharedMailServer } from '../support/mail.ts'
import { anAddress, PASSWORD, register, signIn } from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onStore } from '../support/server.ts'

const HOSTILE: Record<string, Record<string, string>> = {
  Host: { host: 'evil.example' },
  'Host with a port': { host: 'localhost:1@evil.example' },
  'Host with a user': { host: 'localhost@evil.example' },
  Forwarded: { forwarded: 'for=203.0.113.1;host=evil.example;proto=https' },
  'X-Forwarded-Host': { 'x-forwarded-host': 'evil.example' },
  'X-Forwarded-Proto': { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' },
  'X-Forwarded-Port': { 'x-forwarded-port': '4444', 'x-forwarded-server': 'evil.example' },
  'X-Forwarded-Prefix': { 'x-forwarded-prefix': '/evil', 'x-forwarded-path': '/evil' },
  'X-Original-URL': { 'x-original-url': 'https://evil.example/', 'x-rewrite-url': 'https://evil.example/' },
  'X-Host': { 'x-host': 'evil.example', 'x-http-host-override': 'evil.example' },
  Origin: { origin: 'https://evil.example', referer: 'https://evil.example/' },
}

/** Also from a proxy that is trusted to say who a request came from: that is all it is trusted for. */
for (const [proxies, environment] of [
  ['no proxy is trusted', {}],
  ['the sender is a trusted proxy', { HALLPASS_TRUSTED_PROXIES: '127.0.0.1' }],
] as const) {
  describe(`The links in mails, where ${proxies}`, () => {
    onStore(
      'postgresql',
      (server) => {
        const post = (path: string, body: object, headers: Record<string, string>, target = path) =>
          sendRawRequest(server().url, {
            method: 'POST',
            path: target,
            headers: { 'content-type': 'application/json', host: 'localhost', ...headers },
            body: JSON.stringify(body),
          })

        const expectOnlyOurs = (text: string): void => {
          const urls = text.match(/[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)]+/gi) ?? []
          expect(urls).not.to.be.empty
          for (const url of urls) expect(new URL(url).origin, url).to.equal('http://localhost')
          expect(text).not.to.include('evil')
        }

        for (const [name, headers] of Object.entries(HOSTILE)) {
          it(`begin with the configured issuer, whatever ${name} says`, async () => {
            const email = anAddress()
            await post('/v1/users', { email, password: PASSWORD }, headers)
            await mailsAbout(email, 'confirm')
            for (const flow of ['confirm', 'magic', 'reset'] as const) await post(RESOURCES[flow], { email }, headers)
            await mailsAbout(email, 'confirm', 2)
            await mailsAbout(email, 'magic_link')
            await mailsAbout(email, 'reset_password')

            const { accessToken } = await signIn(server().url, email)
            const wanted = anAddress()
            const authorized = { ...headers, authorization: `Bearer ${accessToken}` }
            expect((await post(RESOURCES['change-email'], { email: wanted }, authorized)).status).to.equal(202)
            await mailsAbout(wanted, 'change_email')
            const mailServer = await sharedMailServer()
            for (const mail of [...mailServer.mailsTo(email), ...mailServer.mailsTo(wanted)]) {
              expectOnlyOurs(mail.text)
              expectOnlyOurs(mail.html)
            }
          })
        }

        it('begin with it also for a request target in absolute form', async () => {
          const email = await register(server().url)
          await post(RESOURCES.reset, { email }, {}, `http://evil.example${RESOURCES.reset}`)
          const [mail] = await mailsAbout(email, 'reset_password')
          expectOnlyOurs(mail?.text ?? '')
        })
      },
      environment,
    )
  })
}
