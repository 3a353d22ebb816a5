import { expect } from 'chai'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { expectOAuthError, expectProblem } from '../support/expectations.ts'
import { aSignedInPerson, send, sendForm } from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onBothStores } from '../support/server.ts'

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

describe('For operators and developers', () => {
  onBothStores((server) => {
    const at = (path: string): string => `${server().url}${path}`

    describe('whoever watches over the process', () => {
      it('learns that it lives and that it can serve', async () => {
        expect(await send(at('/healthz'))).to.deep.include({ status: 200, body: { status: 'ok' } })
        expect(await send(at('/readyz'))).to.deep.include({ status: 200, body: { status: 'ready' } })
      })

      it('learns that it lives but cannot serve while the database is away', async () => {
        const { accessToken } = await aSignedInPerson(server().url)
        await withDatabaseAway(server(), async () => {
          expect((await send(at('/healthz'))).status).to.equal(200)
          expect((await send(at('/readyz'))).status).to.equal(503)
          const answer = await send(at('/v1/sessions'), { token: accessToken })
          expectProblem(answer, 503, 'temporarily_unavailable')
          expect(answer.headers.get('retry-after')).to.match(/^\d+$/)
          const form = { token: accessToken }
          expectOAuthError(await sendForm(at('/oauth/revoke'), form), 'temporarily_unavailable', 503)
        })
        expect((await send(at('/readyz'))).status).to.equal(200)
      })
    })

    describe('the mailbox of developers', () => {
      const open = async (headers: Record<string, string>): Promise<number> =>
        (await sendRawRequest(server().url, { path: '/dev/mailbox.json', headers })).status

      it('is there on the embedded store, to somebody at this machine', async () => {
        const expected = server().store === 'embedded' ? 200 : 404
        for (const host of ['localhost', 'localhost:3000', '127.0.0.1', '127.0.0.1:3000']) {
          expect(await open({ host }), host).to.equal(expected)
        }
        if (expected === 200) expect((await send(at('/dev/mailbox.json'))).body).to.deep.equal({ messages: [] })
      })

      it('is not there under another name, which a page could have bound to this address', async () => {
        for (const host of [
          'evil.example',
          'localhost.evil.example',
          '127.0.0.1.evil.example',
          '127.0.0.2',
          'localhost:x',
        ]) {
          expect(await open({ host }), host).to.equal(404)
        }
      })

      it('is not there through a proxy', async () => {
        for (const header of FORWARDING_HEADERS) {
          expect(await open({ host: 'localhost', [header]: '127.0.0.1' }), header).to.equal(404)
        }
      })
    })
  })
})

describe('The mailbox of developers of a public service', () => {
  onBothStores(
    (server) => {
      it('is not there at all', async () => {
        const { status } = await sendRawRequest(server().url, {
          path: '/dev/mailbox.json',
          headers: { host: 'localhost' },
        })
        expect(status).to.equal(404)
      })
    },
    { HALLPASS_ISSUER: 'https://auth.example' },
  )
})
