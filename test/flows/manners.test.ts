import { expect } from 'chai'
import { expectProblem } from '../support/expectations.ts'
import {
  aSignedInPerson,
  PASSWORD,
  refresh,
  register,
  send,
  sendForm,
  sendRaw,
  type Answer,
} from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onStore } from '../support/server.ts'

const NEARLY_17_KB = 'x'.repeat(17_000)

describe('Over HTTP', () => {
  onStore('postgresql', (server) => {
    const at = (path: string): string => `${server().url}${path}`

    describe('an error', () => {
      it('is a problem (RFC 9457) with a code that programs can rely on', async () => {
        const { body } = await send(at('/v1/users/me'))
        expect(body).to.have.all.keys('type', 'title', 'status', 'detail', 'code')
        expect(body).to.include({ type: 'about:blank', title: 'Unauthorized', status: 401 })
        expect(body['detail']).to.be.a('string').that.is.not.empty
      })

      it('names every member that is wrong, and those that nobody knows', async () => {
        const answer = await send(at('/v1/sessions'), {
          body: { email: 1, password: [], remember: 'yes', transport: 'pigeon', 'a/b~c': 1, admin: true },
        })
        expectProblem(answer, 400, 'invalid_request')
        const errors = answer.body['errors'] as { pointer: string; code: string }[]
        for (const error of errors) expect(error).to.have.all.keys('pointer', 'code')
        expect(errors.map(({ pointer }) => pointer)).to.have.members([
          '/email',
          '/password',
          '/remember',
          '/transport',
          '/a~1b~0c',
          '/admin',
        ])
        expect(errors).to.deep.include({ pointer: '/admin', code: 'unknown_member' })
      })

      it('names a member that is missing', async () => {
        const answer = await send(at('/v1/users'), { body: { email: 'ada@example.com' } })
        expectProblem(answer, 400, 'invalid_request')
        expect((answer.body['errors'] as { pointer: string }[])[0]).to.include({ pointer: '/password' })
      })

      it('refuses unknown members everywhere under /v1', async () => {
        const { accessToken, refreshToken } = await aSignedInPerson(server().url)
        const account = { email: 'ada@example.com', password: PASSWORD }
        for (const [method, path, body] of [
          ['POST', '/v1/users', account],
          ['POST', '/v1/sessions', account],
          ['PATCH', '/v1/sessions/current', { device_name: 'x' }],
          ['POST', '/v1/sessions/current/reauthentication', { password: PASSWORD, refresh_token: refreshToken }],
        ] as const) {
          for (const unknown of ['role', '__proto__', 'constructor']) {
            const text = JSON.stringify({ ...body, [unknown]: 1 }).replace(/}$/, `,"${unknown}":1}`)
            const answer = await sendRawRequest(server().url, {
              method,
              path,
              headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
              body: text,
            })
            expect(answer.status, `${path} ${unknown}`).to.equal(400)
            expect(JSON.parse(answer.text)).to.deep.include({
              code: 'invalid_request',
              errors: [{ pointer: `/${unknown}`, code: 'unknown_member' }],
            })
          }
        }
        expect((await refresh(server().url, refreshToken)).status).to.equal(200)
      })
    })

    describe('a path or method', () => {
      it('that does not exist is 404, in the words of its neighbourhood', async () => {
        for (const path of [
          '/',
          '/v1',
          '/v2/sessions',
          '/v1/sessions/',
          '/V1/sessions',
          '/v1/users/1',
          '//v1/sessions',
        ]) {
          expectProblem(await send(at(path)), 404, 'not_found')
        }
        expect((await send(at('/oauth/authorize'))).status).to.equal(404)
        expect((await send(at('/oauth/authorize'))).body).to.have.property('error')
      })

      it('that is not for this URL is 405, and Allow says which are', async () => {
        for (const [method, path, allowed] of [
          ['PUT', '/v1/sessions', ['GET', 'HEAD', 'POST', 'DELETE']],
          ['POST', '/v1/sessions/current', ['GET', 'HEAD', 'PATCH', 'DELETE']],
          ['POST', '/v1/users/me', ['GET', 'HEAD', 'DELETE']],
          ['GET', '/v1/users', ['POST']],
          ['GET', '/oauth/token', ['POST']],
          ['PROPFIND', '/oauth/revoke', ['POST']],
        ] as const) {
          const answer = await send(at(path), { method })
          expect(answer.status, `${method} ${path}`).to.equal(405)
          const listed = (answer.headers.get('allow') ?? '').split(',').map((each) => each.trim())
          expect(listed, `${method} ${path}`).to.have.members([...allowed])
        }
        expectProblem(await send(at('/v1/sessions'), { method: 'PUT' }), 405, 'method_not_allowed')
      })

      it('that nobody knows is 404 where there is nothing', async () => {
        expectProblem(await send(at('/nowhere'), { method: 'PROPFIND' }), 404, 'not_found')
      })
    })

    describe('a body', () => {
      it('of more than 16 kB is 413', async () => {
        const body = { email: NEARLY_17_KB, password: PASSWORD }
        expectProblem(await send(at('/v1/sessions'), { body }), 413, 'payload_too_large')
        const form = { grant_type: 'refresh_token', refresh_token: NEARLY_17_KB }
        expect((await sendForm(at('/oauth/token'), form)).status).to.equal(413)
      })

      it('of more than 16 kB is 413 also when its length was not announced', async () => {
        const stream = new ReadableStream({
          start(controller) {
            for (let count = 0; count < 17; count += 1) controller.enqueue(new TextEncoder().encode('x'.repeat(1024)))
            controller.close()
          },
        })
        const response = await fetch(at('/v1/sessions'), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: stream,
          duplex: 'half',
        })
        expect(response.status).to.equal(413)
      })

      it('of another type is 415 under /v1', async () => {
        const text = JSON.stringify({ email: 'ada@example.com', password: PASSWORD })
        for (const type of [
          'text/plain',
          'application/x-www-form-urlencoded',
          'multipart/form-data; boundary=x',
          'x',
        ]) {
          const answer = await sendRaw(at('/v1/sessions'), text, { 'content-type': type })
          expectProblem(answer, 415, 'unsupported_media_type')
        }
        expectProblem(await send(at('/v1/sessions'), { method: 'POST' }), 415, 'unsupported_media_type')
      })

      it('of JSON may say so in any case, with a charset', async () => {
        const email = await register(server().url)
        const answer = await sendRaw(at('/v1/sessions'), JSON.stringify({ email, password: PASSWORD }), {
          'content-type': 'Application/JSON; charset=utf-8',
        })
        expect(answer.status).to.equal(201)
      })
    })

    describe('every answer', () => {
      const answers = (): Promise<Answer>[] => [
        send(at('/healthz')),
        send(at('/v1/sessions')),
        send(at('/nowhere')),
        send(at('/v1/sessions'), { method: 'PUT' }),
        send(at('/v1/sessions'), { body: { email: NEARLY_17_KB } }),
        sendForm(at('/oauth/token'), {}),
        sendForm(at('/oauth/revoke'), { token: 'x' }),
      ]

      it('says that nothing may be framed, sniffed, stored or referred from', async () => {
        for (const { status, headers } of await Promise.all(answers())) {
          expect(Object.fromEntries(headers), String(status)).to.include({
            'cache-control': 'no-store',
            'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
            'referrer-policy': 'no-referrer',
            'x-content-type-options': 'nosniff',
          })
          expect(headers.has('cross-origin-resource-policy')).to.equal(true)
          expect(headers.has('x-powered-by')).to.equal(false)
          expect(headers.has('strict-transport-security')).to.equal(false)
        }
      })

      it('depends on the Origin, and says so to caches', async () => {
        for (const { headers } of await Promise.all(answers())) expect(headers.get('vary')).to.match(/\borigin\b/i)
      })
    })
  })
})
