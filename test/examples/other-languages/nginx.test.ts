import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { runCommand } from '../../../src/server/commands.ts'
import type { SigningAlgorithm } from '../../../src/server/tokens/key-pair.ts'
import { send, type Answer } from '../../support/people.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { startBackend, startOnFreePort, startProgram, withValues, type Program } from './programs.ts'
import { anExample, FORGED, GOOD, NOT_GOOD_HERE, ODD, signBy, type Example } from './tokens.ts'

const EXAMPLE = fileURLToPath(new URL('../../../examples/other-languages/nginx', import.meta.url))
const NEEDED = ['/usr/sbin/nginx', '/usr/lib/nginx/modules/ngx_http_js_module.so']

describe('nginx with njs in front of an API', () => {
  let directory: string
  let server: TestServer
  let backend: Awaited<ReturnType<typeof startBackend>>
  let nginx: Program & { readonly url: string }
  const keysFile = (): string => join(directory, 'hallpass-keys.pem')

  before(async function () {
    if (!NEEDED.every(existsSync)) this.skip()
    this.timeout(60_000)
    directory = mkdtempSync(join(tmpdir(), 'hallpass-nginx-'))
    chmodSync(directory, 0o755) // nginx's workers are somebody else
    server = await startServer('embedded')
    backend = await startBackend()
    await writeKeys()
    nginx = await startOnFreePort(startNginx)
  })
  after(async () => {
    await nginx?.stop()
    await Promise.all([backend?.stop(), server?.stop()])
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  })

  /** `hallpass keys list --pem > hallpass-keys.pem` */
  async function writeKeys(): Promise<void> {
    let pem = ''
    await runCommand(['keys', 'list', '--pem'], server.hallpass, (text) => (pem += text))
    writeFileSync(keysFile(), pem)
  }

  async function changeKeys(alg: SigningAlgorithm): Promise<void> {
    await signBy(server, alg)
    await writeKeys()
  }

  function startNginx(port: number): Program {
    cpSync(EXAMPLE, directory, { recursive: true })
    const conf = withValues(readFileSync(join(EXAMPLE, 'nginx.conf'), 'utf8'), {
      '127.0.0.1:8082': `127.0.0.1:${port}`,
      'http://localhost:3000': server.config.issuer,
      'http://127.0.0.1:8080': backend.url,
      '/etc/nginx/hallpass-keys.pem': keysFile(),
    })
    writeFileSync(join(directory, 'nginx.conf'), conf)
    const globals = `daemon off; pid ${join(directory, 'nginx.pid')};`
    return startProgram('/usr/sbin/nginx', ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr', '-g', globals])
  }

  const ask = (token: string | undefined, options: Parameters<typeof send>[1] = {}): Promise<Answer> =>
    send(`${nginx.url}/orders`, { ...(token === undefined ? {} : { token }), ...options })

  function expectRefusal({ status, headers }: Answer, what = ''): void {
    expect(status, what).to.equal(401)
    expect(headers.get('www-authenticate'), what).to.equal('Bearer error="invalid_token"')
  }

  let example: Example

  function tellTheStory(): void {
    beforeEach(async () => (example = await anExample(server)))

    it('lets who was signed in through to the API, and tells it who that is', async () => {
      const answer = await ask(example.token)
      expect(answer.status).to.equal(200)
      expect(answer.headers.get('www-authenticate')).to.equal(null)
      expect(backend.seen.at(-1)).to.include({ 'x-user': example.claims['sub'], 'x-session': example.claims['sid'] })
    })

    it('takes others that are good', async () => {
      for (const [what, make] of Object.entries(GOOD)) {
        expect((await ask(await make(example))).status, what).to.equal(200)
      }
    })

    it('refuses every one that is not, and the API sees nothing of it', async () => {
      const before = backend.seen.length
      for (const [what, make] of Object.entries({ ...FORGED, ...NOT_GOOD_HERE, ...ODD })) {
        expectRefusal(await ask(await make(example)), what)
      }
      expect(backend.seen).to.have.lengthOf(before)
    })

    it('lets nobody in without a token, by whatever method', async () => {
      const before = backend.seen.length
      for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD']) {
        const answer = await ask(undefined, { method })
        expect(answer.status, method).to.equal(401)
        expect(answer.headers.get('www-authenticate'), method).to.equal('Bearer')
      }
      expect((await send(`${nginx.url}/orders?access_token=${example.token}`)).status).to.equal(401)
      expect((await send(`${nginx.url}/_access_token`, { token: example.token })).status, 'ours alone').to.equal(404)
      expect(backend.seen).to.have.lengthOf(before)
    })

    it('believes no caller who says who they are', async () => {
      const headers = { 'x-user': 'root', 'x-session': 'root', 'x-scope': 'root' }
      expect((await ask(example.token, { headers })).status).to.equal(200)
      expect(Object.values(backend.seen.at(-1) ?? {})).not.to.include('root')
    })
  }

  describe('where Hallpass signs by ES256', () => {
    tellTheStory()

    it('finds each of several keys by its name, as soon as it is in the file', async () => {
      await server.hallpass.keys.rotate({ immediately: true })
      const next = await anExample(server)
      expectRefusal(await ask(next.token))
      await writeKeys()
      for (const { token } of [example, next, example]) expect((await ask(token)).status).to.equal(200)
    })

    it('knows a key no more that was taken out of the file', async () => {
      await server.hallpass.keys.revoke(server.hallpass.keys.active().kid)
      expect((await ask(example.token)).status).to.equal(200)
      await writeKeys()
      expectRefusal(await ask(example.token))
    })

    it('lets nobody in while there is no file of keys', async () => {
      rmSync(keysFile())
      expect((await ask(example.token)).status).to.equal(500)
      await writeKeys()
      expect((await ask(example.token)).status).to.equal(200)
    })
  })

  describe('where Hallpass signs by RS256', () => {
    before(() => changeKeys('RS256'))
    tellTheStory()
  })

  describe('where Hallpass signs by EdDSA', () => {
    before(() => changeKeys('EdDSA'))

    it('refuses every token: this njs does not know that algorithm', async () => {
      expectRefusal(await ask((await anExample(server)).token))
    })
  })
})
