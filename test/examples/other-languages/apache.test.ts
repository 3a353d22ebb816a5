import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { send, type Answer } from '../../support/people.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { startBetween, type Between } from './between.ts'
import { startBackend, startOnFreePort, startProgram, withValues, type Program } from './programs.ts'
import { anExample, FORGED, forgedByNobody, GOOD, NOT_GOOD_HERE, ODD, signBy, type Example } from './tokens.ts'

const HTTPD_CONF = new URL('../../../examples/other-languages/apache/httpd.conf', import.meta.url)
const NEEDED = ['/usr/sbin/apache2', '/usr/lib/apache2/modules/mod_auth_openidc.so', '/usr/bin/openssl']

describe('Apache with mod_auth_openidc in front of an API', () => {
  let directory: string
  let between: Between
  let server: TestServer
  let backend: Awaited<ReturnType<typeof startBackend>>
  let apache: Program & { readonly url: string }

  before(async function () {
    if (!NEEDED.every(existsSync)) this.skip()
    this.timeout(60_000)
    directory = mkdtempSync(join(tmpdir(), 'hallpass-apache-'))
    chmodSync(directory, 0o755) // Apache's workers are somebody else
    // As it is in real use: behind a proxy that speaks https. The module takes keys from nowhere else.
    between = await startBetween(() => server.url, makeCertificate(directory))
    server = await startServer('embedded', { HALLPASS_ISSUER: between.url })
    backend = await startBackend()
    apache = await startOnFreePort(startApache)
  })
  after(async () => {
    await apache?.stop()
    await Promise.all([between?.stop(), backend?.stop(), server?.stop()])
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  })

  function startApache(port: number): Program {
    const conf = withValues(readFileSync(HTTPD_CONF, 'utf8'), {
      'PORT      8081': `PORT ${port}`,
      'https://auth.example.com': between.url,
      'http://127.0.0.1:8080': backend.url,
      '/var/run': directory,
      '/var/log/apache2': directory,
    })
    const ours = [`DefaultRuntimeDir ${directory}`, `OIDCCABundlePath ${join(directory, 'certificate.pem')}`]
    writeFileSync(join(directory, 'httpd.conf'), `${conf}\n${ours.join('\n')}\n`)
    return startProgram('/usr/sbin/apache2', ['-d', directory, '-f', 'httpd.conf', '-DFOREGROUND'])
  }

  const ask = (token: string | undefined, options: Parameters<typeof send>[1] = {}): Promise<Answer> =>
    send(`${apache.url}/orders`, { ...(token === undefined ? {} : { token }), ...options })

  function expectRefusal({ status, headers }: Answer, what = ''): void {
    expect(status, what).to.equal(401)
    expect(headers.get('www-authenticate'), what).to.match(
      /^Bearer error="invalid_token"(, error_description="[^"]+")?$/,
    )
  }

  let example: Example

  function tellTheStory(): void {
    beforeEach(async () => (example = await anExample(server)))

    it('lets who was signed in through to the API, and tells it who that is', async () => {
      expect((await ask(example.token)).status).to.equal(200)
      const { sub, sid } = example.claims
      expect(backend.seen.at(-1)).to.include({ 'x-user': sub, 'x-session': sid, oidc_claim_sub: sub })
    })

    it('takes others that are good', async () => {
      for (const [what, make] of Object.entries(GOOD)) {
        expect((await ask(await make(example))).status, what).to.equal(200)
      }
    })

    it('refuses every one that is not, and the API sees nothing of it', async () => {
      const before = backend.seen.length
      for (const [what, make] of Object.entries({ ...FORGED, ...NOT_GOOD_HERE })) {
        expectRefusal(await ask(await make(example)), what)
      }
      expect(backend.seen).to.have.lengthOf(before)
    })

    it('lets nobody in without a token, by whatever method', async () => {
      const before = backend.seen.length
      for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD']) {
        const answer = await ask(undefined, { method })
        expect(answer.status, method).to.equal(401)
        expect(answer.headers.get('www-authenticate'), method).to.match(/^Bearer /)
      }
      expect((await send(`${apache.url}/orders?access_token=${example.token}`)).status).to.equal(401)
      expect(backend.seen).to.have.lengthOf(before)
    })

    it('believes no caller who says who they are', async () => {
      const { sub, sid } = example.claims
      const headers = { 'x-user': 'root', 'x-session': 'root', oidc_claim_sub: 'root', 'oidc-claim-sub': 'root' }
      expect((await ask(example.token, { headers })).status).to.equal(200)
      expect(backend.seen.at(-1)).to.include({ 'x-user': sub, 'x-session': sid, oidc_claim_sub: sub })
      expect(Object.values(backend.seen.at(-1) ?? {})).not.to.include('root')
    })
  }

  describe('where Hallpass signs by ES256', () => {
    tellTheStory()

    it('fetches the keys once, and again when a token names one that is new', async () => {
      await ask(example.token)
      const before = between.seen.length
      for (let count = 0; count < 3; count += 1) expect((await ask(example.token)).status).to.equal(200)
      expect(between.seen).to.have.lengthOf(before)
      await server.hallpass.keys.rotate({ immediately: true })
      const next = await anExample(server)
      for (const { token } of [next, example, next]) expect((await ask(token)).status).to.equal(200)
      expect(between.seen).to.have.lengthOf(before + 1)
    })

    it('fetches them for every token that names an unknown one: it has no limit to that', async () => {
      const before = between.seen.length
      for (let count = 0; count < 3; count += 1) expectRefusal(await ask(await forgedByNobody(example)))
      expect(between.seen).to.have.lengthOf(before + 3)
    })

    it('does not look at everything in a token of our key', async () => {
      for (const what of [
        'without an end',
        'whose end is a string',
        'without a time of issue',
        'issued in the future',
        'that begins in the future',
        'without the name of its key',
        'with a critical extension that nobody knows',
      ]) {
        expect((await ask((await ODD[what]?.(example)) ?? '')).status, what).to.equal(200)
      }
    })
  })

  describe('where Hallpass signs by RS256', () => {
    before(() => signBy(server, 'RS256'))
    tellTheStory()
  })

  describe('where Hallpass signs by EdDSA', () => {
    before(() => signBy(server, 'EdDSA'))

    it('refuses every token: its library does not know that algorithm', async () => {
      expectRefusal(await ask((await anExample(server)).token))
    })
  })
})

/** For localhost, and trusted by nobody who is not told to. */
function makeCertificate(directory: string): { key: Buffer; cert: Buffer } {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  const name = '-subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2'
  const made = spawnSync('/usr/bin/openssl', `req -x509 ${curve} ${name} -keyout ${key} -out ${cert}`.split(' '))
  if (made.status !== 0) throw new Error(String(made.stderr))
  return { key: readFileSync(key), cert: readFileSync(cert) }
}
