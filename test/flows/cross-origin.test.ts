import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import { aPersonInABrowser, ORIGIN, send, type Answer } from '../support/people.ts'
import { onStore } from '../support/server.ts'

describe('A page of another origin', () => {
  onStore('postgresql', (server) => {
    const from = (origin: string, path: string, options: Parameters<typeof send>[1] = {}): Promise<Answer> =>
      send(`${server().url}${path}`, { ...options, headers: { origin, ...options.headers } })

    it('that is allowed may read answers, errors too, with credentials', async () => {
      for (const path of ['/healthz', '/v1/sessions', '/nowhere']) {
        const { headers } = await from(ORIGIN, path)
        expect(headers.get('access-control-allow-origin'), path).to.equal(ORIGIN)
        expect(headers.get('access-control-allow-credentials')).to.equal('true')
        const exposed = headers.get('access-control-expose-headers') ?? ''
        expect(exposed.toLowerCase().split(/, */)).to.include.members(['www-authenticate', 'retry-after'])
      }
      const tooLarge = await from(ORIGIN, '/v1/sessions', { body: { email: 'x'.repeat(17_000) } })
      expect(tooLarge.status).to.equal(413)
      expect(tooLarge.headers.get('access-control-allow-origin')).to.equal(ORIGIN)
    })

    it('that is not allowed may read nothing', async () => {
      for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`, 'http://app.example', 'x']) {
        for (const path of ['/healthz', '/v1/sessions', '/nowhere', '/oauth/token']) {
          const { headers } = await from(origin, path)
          expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).to.be.empty
        }
      }
    })

    const preflight = (origin: string, path: string): Promise<Answer> =>
      from(origin, path, {
        method: 'OPTIONS',
        headers: {
          'access-control-request-method': 'DELETE',
          'access-control-request-headers': 'authorization,content-type,idempotency-key,hallpass-client',
        },
      })

    it('that is allowed may ask first, for all that our clients send', async () => {
      const { status, headers } = await preflight(ORIGIN, '/v1/sessions/current')
      expect(status).to.equal(204)
      expect(headers.get('access-control-allow-origin')).to.equal(ORIGIN)
      expect(headers.get('access-control-allow-credentials')).to.equal('true')
      const methods = (headers.get('access-control-allow-methods') ?? '').split(/, */)
      expect(methods).to.include.members(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
      const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/, */)
      expect(allowed).to.include.members(['authorization', 'content-type', 'idempotency-key', 'hallpass-client'])
    })

    it('that is not allowed is told nothing when it asks first', async () => {
      for (const origin of ['https://evil.example', 'null']) {
        const { headers } = await preflight(origin, '/v1/sessions')
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).to.be.empty
      }
    })

    it('is not helped by the cookie where no session is shown by it', async () => {
      const { refreshToken } = await aPersonInABrowser(server().url)
      const answer = await from(ORIGIN, '/v1/sessions', { headers: { cookie: `hallpass=${refreshToken}` } })
      expectProblem(answer, 401, 'invalid_access_token')
    })
  })
})
