/** The examples of docs/verifier.md are what it says they are, and do what it says. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Refused, type Verifier } from 'hallpass/verifier'
import { createTestIssuer, type TestIssuer } from 'hallpass/verifier/testing'
import { WebSocket, type RawData } from 'ws'
import edge from '../../examples/verifier/edge.ts'
import { metricsOf } from '../../examples/verifier/metrics.ts'
import { withLog } from '../../examples/verifier/refusals.ts'
import { save, startFrom } from '../../examples/verifier/snapshot.ts'
import { createRequestListener } from '../../src/server/request-listener.ts'
import { makeServiceKey, type Key } from '../support/api-keys.ts'
import { aSignedInPerson, callSessions, type SignedIn } from '../support/people.ts'
import { startServer, type TestServer } from '../support/server.ts'

// Its tests are run here, as those of a reader are.
import '../../examples/verifier/api.test.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8')

describe('The documentation of the verifier', () => {
  /** Each block of TypeScript or JavaScript: its first line, and the rest. */
  const blocksIn = (page: string): [string, string][] =>
    [...page.matchAll(/^```(?:ts|js)\n(.*)\n([^]*?)^```$/gm)].map(([, first = '', rest = '']) => [first, rest])

  const FROM_FILE = /^\/\/ (examples\/verifier\/[\w.-]+\.ts)$/

  for (const page of ['docs/verifier.md', 'README.md']) {
    it(`quotes code that is checked and run: ${page}`, async () => {
      const blocks = blocksIn(await read(page)).filter(([first]) => page !== 'README.md' || FROM_FILE.test(first))
      expect(blocks).not.to.be.empty
      for (const [first, code] of blocks) {
        const [, file] = FROM_FILE.exec(first) ?? []
        expect(file, `a block that begins with ${JSON.stringify(first)}, and names no file`).to.be.a('string')
        expect(await read(file ?? ''), `${page} quotes ${file}`).to.include(code)
      }
    })
  }

  it('shows every example', async () => {
    const shown = blocksIn(await read('docs/verifier.md')).map(([first]) => FROM_FILE.exec(first)?.[1])
    const files = (await readdir(join(ROOT, 'examples/verifier'))).filter((name) => name.endsWith('.ts'))
    expect(shown).to.include.members(files.map((name) => `examples/verifier/${name}`))
  })
})

describe('The examples of the verifier', () => {
  describe('beside a service', () => {
    let issuer: string
    let front: Server
    let server: TestServer | undefined
    let key: Key
    const stopping: (() => unknown)[] = []

    /** On a port that is known before the service is: its issuer has it. */
    before(async function () {
      this.timeout(60_000)
      front = createServer().listen(0, 'localhost')
      await once(front, 'listening')
      issuer = `http://localhost:${(front.address() as AddressInfo).port}`
      server = await startServer('embedded', { HALLPASS_ISSUER: issuer })
      front.on('request', createRequestListener(server.hallpass))
      key = await makeServiceKey(server, 'revocations:read')
    })
    afterEach(async () => {
      for (const stop of stopping.splice(0)) await stop()
    })
    after(async () => {
      front.close()
      front.closeAllConnections()
      await server?.stop()
    })

    const environment = () => ({ HALLPASS_ISSUER: issuer, HALLPASS_KEY_ID: key.id, HALLPASS_KEY: key.key })

    /** As its reader starts it. @returns its port */
    async function run(example: string): Promise<number> {
      const port = await aFreePort()
      const file = join(ROOT, 'examples/verifier', example)
      const child = spawn(process.execPath, [file], {
        env: { ...process.env, ...environment(), PORT: String(port) },
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      const exited = once(child, 'exit')
      stopping.push(() => (child.kill(), exited))
      while (!(await isOpen(port))) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${example} has ended`)
        await turn()
      }
      return port
    }

    const isOpen = (port: number): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, 'localhost', () => resolve(true)).on('error', () => resolve(false))
        socket.unref().on('connect', () => socket.destroy())
      })

    const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

    const ask = async (url: string, token?: string): Promise<[number, string]> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const response = await fetch(url, { headers })
      return [response.status, await response.text()]
    }

    const signOut = async ({ accessToken }: SignedIn): Promise<void> =>
      void expect((await callSessions(issuer, 'DELETE', '/current', accessToken)).status).to.equal(204)

    it('Koa: lets a device in until it is signed out, and others for longer', async () => {
      const url = `http://localhost:${await run('koa.ts')}/`
      const [ada, grace] = [await aSignedInPerson(issuer), await aSignedInPerson(issuer)]
      expect((await ask(url))[0]).to.equal(401)
      expect(await ask(url, ada.accessToken)).to.deep.equal([200, `Hello ${ada.userId}\n`])
      await signOut(ada)
      while ((await ask(url, ada.accessToken))[0] === 200) await turn()
      expect((await ask(url, ada.accessToken))[0]).to.equal(401)
      expect(await ask(url, grace.accessToken)).to.deep.equal([200, `Hello ${grace.userId}\n`])
    })

    for (const [example, path, greeting] of [
      ['express.ts', '/hello/you', 'Hello you, or rather '],
      ['fastify.ts', '/hello', 'Hello '],
    ] as const) {
      it(`${example}: lets a device in, and nobody without a token`, async () => {
        const url = `http://localhost:${await run(example)}${path}`
        const { accessToken, userId } = await aSignedInPerson(issuer)
        expect((await ask(url))[0]).to.equal(401)
        expect(await ask(url, accessToken)).to.deep.equal([200, `${greeting}${userId}\n`])
      })
    }

    it('WebSockets: closes what is open when the device is signed out', async () => {
      const port = await run('websocket.ts')
      const person = await aSignedInPerson(issuer)
      const client = new WebSocket(`ws://localhost:${port}/`, ['chat', `bearer.${person.accessToken}`])
      const [greeting] = (await once(client, 'message')) as [RawData]
      expect((greeting as Buffer).toString()).to.equal(`Hello ${person.userId}`)
      const closed = once(client, 'close') as Promise<[number]>
      await signOut(person)
      expect((await closed)[0]).to.equal(4401)
    })

    it('Hono and fetch: lets a device in, and nobody without a token', async () => {
      const before = { ...process.env }
      Object.assign(process.env, environment())
      const { default: hono } = await import('../../examples/verifier/hono.ts')
      const { default: web } = await import('../../examples/verifier/fetch.ts')
      const { verifier } = await import('../../examples/verifier/verifier.ts')
      stopping.push(() => verifier.close())
      process.env = before
      const { accessToken, userId } = await aSignedInPerson(issuer)
      const headers = { authorization: `Bearer ${accessToken}` }
      for (const app of [hono, web]) {
        expect((await app.fetch(new Request('https://api.example/hello'))).status).to.equal(401)
        const response = await app.fetch(new Request('https://api.example/hello', { headers }))
        expect(await response.text()).to.equal(`Hello ${userId}\n`)
      }
    })

    it('at the edge: hears of a sign-out when it next asks', async () => {
      const person = await aSignedInPerson(issuer)
      const headers = { authorization: `Bearer ${person.accessToken}` }
      const status = async () =>
        (await edge.fetch(new Request('https://api.example/hello', { headers }), environment())).status
      await signOut(person)
      expect(await status(), 'the first request asks').to.equal(401)
    })
  })

  describe('with the test kit', () => {
    let issuer: TestIssuer
    let verifier: Verifier
    let directory: string
    beforeEach(async () => {
      issuer = await createTestIssuer()
      verifier = issuer.createVerifier()
      await verifier.ready()
      directory = await mkdtemp(join(tmpdir(), 'hallpass-'))
    })
    afterEach(async () => {
      verifier.close()
      await rm(directory, { recursive: true })
    })

    it('snapshots: starts while the issuer is away, and knows who was signed out', async () => {
      const file = join(directory, 'snapshot')
      const [mine, over] = [await issuer.signTestToken(), await issuer.signTestToken({ sid: 'over' })]
      issuer.revoke('over')
      await issuer.clock.advance(0)
      await save(verifier, file)
      expect((await stat(file)).mode & 0o777).to.equal(0o600)
      expect(await readdir(directory)).to.deep.equal(['snapshot'])

      issuer.isDown = true
      const later = issuer.createVerifier()
      const said: string[] = []
      await startFrom(later, file, (what: string) => said.push(what))
      expect(said).to.deep.equal([])
      expect(await later.verify(mine)).to.include({ sid: 'session-1' })
      const error = await later.verify(over).catch((refused: unknown) => refused)
      expect(error).to.include({ code: 'token_revoked' })
      later.close()
    })

    it('snapshots: starts without one, and with one that somebody changed, all the same', async () => {
      const file = join(directory, 'snapshot')
      const said: string[] = []
      const warn = (what: string): void => void said.push(what)
      const none = issuer.createVerifier()
      await startFrom(none, file, warn)
      await save(verifier, file)
      await writeFile(file, `${(await readFile(file, 'utf8')).slice(0, -4)}AAAA`)
      const changed = issuer.createVerifier()
      await startFrom(changed, file, warn)
      expect(said).to.deep.equal(['no snapshot to start from', 'no snapshot to start from'])
      for (const each of [none, changed]) {
        expect(await each.verify(await issuer.signTestToken())).to.include({ sid: 'session-1' })
        each.close()
      }
    })

    it('metrics: one number a line', async () => {
      expect(metricsOf(verifier)).to.match(/^(hallpass_\w+ (\d+(\.\d+)?|Infinity)\n){5}$/)
      const without = issuer.createVerifier({ apiKey: undefined } as object)
      expect(metricsOf(without)).to.match(/^(hallpass_\w+ (\d+(\.\d+)?|Infinity)\n){2}$/)
      without.close()
    })

    it('a log of refusals: the API is told what the caller is not', async () => {
      const said: string[] = []
      const logging = withLog(verifier, (code) => said.push(code))
      const error = await logging
        .verify(await issuer.signTestToken({ aud: 'somebody else' }))
        .catch((refused: unknown) => refused)
      expect(error).to.be.instanceOf(Refused)
      expect(logging.answer(error)).to.deep.equal(verifier.answer(error))
      expect(said).to.deep.equal(['token_audience'])
    })
  })
})

async function aFreePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
