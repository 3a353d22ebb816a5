import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { paths } from '../../src/protocol/paths.ts'
import { expectNoInsides } from '../support/expectations.ts'
import { aPersonInABrowser, aSignedInPerson, ORIGIN, PASSWORD, send, type SignedIn } from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { onBothStores } from '../support/server.ts'
import { createSession } from '../support/sessions.ts'

/** Stand for what is right just then, so that nonsense gets behind the guards too. */
const ACCESS = '<access>'
const REFRESH = '<refresh>'
const SESSION = '<session>'
const EMAIL = '<email>'

interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | Buffer | undefined
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(ACCESS, REFRESH, SESSION, EMAIL, PASSWORD, '\u0000', '\ud800', 'demo', 'cookie', ''),
)

/** What may stand in a header, as Node's client lets it pass. */
const headerText = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 200 },
  )
  .map((codes) => String.fromCharCode(...codes))

const mostly = (...texts: string[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...texts) }, { weight: 1, arbitrary: headerText })

const headers = fc.record(
  {
    'content-type': mostly('application/json', 'application/x-www-form-urlencoded', 'text/plain'),
    authorization: mostly(`Bearer ${ACCESS}`, `Bearer ${REFRESH}`, 'Bearer x', 'Basic eDp5'),
    cookie: mostly(`hallpass=${REFRESH}`, `hallpass=${REFRESH}; hallpass=x`, 'hallpass='),
    origin: mostly(ORIGIN, 'null', 'https://evil.example'),
    'idempotency-key': headerText,
    'content-encoding': mostly('gzip', 'identity', ''),
    'user-agent': headerText,
    'hallpass-client': headerText,
    'sec-ch-ua': headerText,
    'sec-ch-ua-platform': headerText,
    'sec-fetch-site': mostly('cross-site', 'same-origin'),
    'x-forwarded-for': headerText,
    'if-none-match': headerText,
    'access-control-request-method': mostly('DELETE'),
    accept: headerText,
    host: mostly('localhost', 'evil.example'),
  },
  { requiredKeys: [] },
)

const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc.webQueryParameters(),
  fc.constantFrom('except=current', 'status=all', 'status=%00', '__proto__=1'),
)

const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Object.values(paths)).map((each) => each.replace(':id', SESSION)) },
  fc.webSegment().map((segment) => `/v1/sessions/${segment}`),
  fc.webPath().map((any) => `/${any}`),
  fc.constantFrom('/%', '/%00', '/%ff', '/..;/', '//', '/v1/sessions/%2e%2e', '*', '/v1/sessions/%'),
)

const wild: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'),
  path: fc.tuple(path, query).map(([one, more]) => (more === '' ? one : `${one}?${more}`)),
  headers,
  body: fc.oneof(
    fc.constant(undefined),
    fc.json(),
    fc.webQueryParameters(),
    fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
  ),
})

const credentials = { email: EMAIL, password: PASSWORD }
const good = [
  { method: 'POST', path: paths.users, members: credentials },
  {
    method: 'POST',
    path: paths.sessions,
    members: { ...credentials, client_id: 'default', device_name: 'x', remember: true },
  },
  { method: 'PATCH', path: paths.currentSession, members: { device_name: 'x' } },
  { method: 'POST', path: paths.reauthentication, members: { password: PASSWORD } },
  { method: 'POST', path: paths.token, members: { grant_type: 'refresh_token', refresh_token: REFRESH } },
  { method: 'POST', path: paths.revoke, members: { token: REFRESH } },
]

/** A good request with at most two members and a few headers that are nonsense. */
const nearlyRight: fc.Arbitrary<Request> = fc.constantFrom(...good).chain(({ method, path: at, members }) => {
  const isForm = at.startsWith('/oauth/')
  const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...Object.keys(members)) }, text)
  return fc
    .tuple(fc.dictionary(name, isForm ? text : fc.oneof(text, fc.jsonValue()), { maxKeys: 2 }), headers, fc.nat(4))
    .map(([changes, others, luck]) => {
      const all: Record<string, unknown> = { ...members, ...changes }
      const usual = {
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        ...(isForm ? {} : { authorization: `Bearer ${ACCESS}` }),
      }
      const { cookie: _cookie, 'content-encoding': _encoding, ...harmless } = others
      return {
        method,
        path: at,
        headers: luck === 0 ? { ...usual, ...others } : { ...harmless, ...usual },
        body: isForm ? new URLSearchParams(all as Record<string, string>).toString() : JSON.stringify(all),
      }
    })
})

describe('Whatever is sent', () => {
  onBothStores((server) => {
    let person: SignedIn
    before(async () => {
      person = await aSignedInPerson(server().url)
    })

    afterEach(async () => {
      expect((await send(`${server().url}/readyz`)).status).to.equal(200)
      const { accessToken } = await aPersonInABrowser(server().url)
      expect((await send(`${server().url}/v1/sessions`, { token: accessToken })).status).to.equal(200)
    })

    /** Some of what is sent deletes the account: then somebody else goes on. */
    const aSession = () =>
      createSession(server(), person.userId).catch(async () => {
        person = await aSignedInPerson(server().url)
        return createSession(server(), person.userId)
      })

    it('is never answered 5xx, nor with our insides', async function () {
      this.timeout(120_000)
      await fc.assert(
        fc.asyncProperty(fc.oneof(wild, nearlyRight), async (request) => {
          const session = await aSession()
          const fill = (given: string): string =>
            given
              .replaceAll(ACCESS, session.accessToken)
              .replaceAll(REFRESH, session.refreshToken)
              .replaceAll(SESSION, session.sessionId)
              .replaceAll(EMAIL, person.email)
              // What became of the marks in a form.
              .replaceAll(encodeURIComponent(REFRESH), session.refreshToken)
          const { body } = request
          const answer = await sendRawRequest(server().url, {
            method: request.method,
            path: fill(request.path),
            headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, fill(value)])),
            ...(body === undefined ? {} : { body: typeof body === 'string' ? fill(body) : body }),
          })
          expect(answer.status, answer.text).to.be.lessThan(500)
          expectNoInsides(answer.text)
          if (answer.headers['content-type']?.includes('json') && answer.text !== '') JSON.parse(answer.text)
        }),
        // PostgreSQL inside the process is several times slower than a real one, and what reads requests is the same.
        { numRuns: server().store === 'embedded' ? 75 : 300, includeErrorInReport: true },
      )
    })

    it('is survived when it is no HTTP, or ends in the middle', async function () {
      this.timeout(60_000)
      const start = 'POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
      const requests = fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        fc.string().map((rest) => Buffer.from(`${start}Content-Length: 100\r\n\r\n${rest}`)),
        fc.string().map((rest) => Buffer.from(`${start}Transfer-Encoding: chunked\r\n\r\n${rest}`)),
        fc
          .string()
          .map((rest) => Buffer.from(`${start}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${rest}`)),
        fc.string().map((rest) => Buffer.from(start + rest)),
      )
      await fc.assert(
        fc.asyncProperty(requests, async (bytes) => {
          const { hostname, port } = new URL(server().url)
          const socket = connect({ host: hostname, port: Number(port) })
          let answer = ''
          socket.on('data', (data) => (answer += data.toString('latin1')))
          socket.on('error', () => undefined)
          socket.end(bytes)
          await once(socket, 'close')
          expect(answer).not.to.match(/^HTTP\/1\.1 5/m)
          expectNoInsides(answer)
        }),
        { numRuns: 100 },
      )
    })
  })
})
