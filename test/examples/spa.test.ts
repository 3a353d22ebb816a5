/** The single-page app as it is published: what its bundle is made of, and that everything around it starts. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect } from 'chai'
import { build, type Rolldown } from 'vite'
import { APP_ROOT, withServices } from '../../scripts/example/app.ts'
import { startEverything, type Example } from '../../scripts/example/everything.ts'
import { PERSON } from '../../scripts/example/hallpass.ts'
import { findPort, PortTaken } from '../../scripts/example/ports.ts'
import { send } from '../support/people.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SERVICES = { hallpass: 'https://auth.example.com', api: 'https://api.example.com' }
/** React makes up most of it. Bytes. */
const LARGEST_SCRIPT = 90_000

describe('The single-page app, built', function () {
  this.timeout(60_000)
  let directory: string
  let chunks: Rolldown.OutputChunk[]
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hallpass-spa-'))
    const built = await inProduction(() =>
      build({
        ...withServices(SERVICES),
        root: APP_ROOT,
        logLevel: 'error',
        build: { outDir: directory, emptyOutDir: true },
      }),
    )
    chunks = (built as Rolldown.RolldownOutput).output.filter((each) => each.type === 'chunk')
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const code = (): string => chunks.map((chunk) => chunk.code).join('\n')

  it('is made of the app, the client and React, and of nothing else', () => {
    const modules = chunks.flatMap((chunk) => chunk.moduleIds).map((id) => relative(ROOT, id.replace(/^\0/, '')))
    const strange = modules.filter(
      (module) => !/^(examples\/spa\/|src\/client\/|node_modules\/(react|react-dom|scheduler)\/)/.test(module),
    )
    expect(modules.filter((module) => module.startsWith('src/client/'))).not.to.be.empty
    // The bundler's own few lines have no file.
    expect(strange.filter((module) => !/rolldown|vite\/|commonjsHelpers/.test(module))).to.be.empty
  })

  it('has nothing of the server in it, and no secret', () => {
    for (const word of ['koa', 'mikro-orm', 'pglite', 'argon2', 'hpak_', 'HALLPASS_SECRET', '/oauth/introspect']) {
      expect(code(), word).not.to.include(word)
    }
    expect(code()).not.to.include(PERSON.password)
  })

  it('knows where the services are, and of no others', () => {
    expect(code()).to.include(SERVICES.hallpass).and.include(SERVICES.api)
    expect(code()).not.to.include('localhost')
  })

  it('is small', () => {
    expect(gzipSync(code()).length).to.be.below(LARGEST_SCRIPT)
  })

  it('has a page that loads it', async () => {
    const page = await readFile(join(directory, 'index.html'), 'utf8')
    for (const { fileName } of chunks) expect(page).to.include(`/${fileName}`)
  })
})

describe('`npm run example`', function () {
  this.timeout(60_000)

  describe('when it has started', () => {
    let example: Example
    before(async () => {
      example = await startEverything({ hallpass: 0, app: 0, api: 0 }, 'silent')
    })
    after(() => example?.stop())

    const signIn = () =>
      send<{ access_token: string }>(`${example.hallpass}/v1/sessions`, { body: { ...PERSON, transport: 'body' } })

    it('has somebody who can sign in, and an API that knows them', async () => {
      const { status, body } = await signIn()
      expect(status).to.equal(201)
      const hello = await send(`${example.api}/hello`, { token: body.access_token })
      expect(hello.status).to.equal(200)
      expect(hello.body['message']).to.match(/^Hello, user/)
      const me = await send(`${example.hallpass}/v1/users/me`, { token: body.access_token })
      expect(me.body).to.include({ email: PERSON.email, email_verified: true })
    })

    it('serves the app, which is told where the others are', async () => {
      expect(await (await fetch(example.app)).text()).to.include('<div id="root">')
      const script = await (await fetch(`${example.app}/src/hallpass.ts`)).text()
      expect(script).to.include(example.hallpass).and.include(example.api)
    })

    it('shows the scripts of the app to nobody who asks for other files', async () => {
      for (const file of ['package.json', 'src/server/config.ts', 'scripts/example/hallpass.ts']) {
        expect((await fetch(`${example.app}/@fs${join(ROOT, file)}`)).status, file).to.equal(403)
      }
    })

    it('has an API that answers the app, and only with a token', async () => {
      const response = await fetch(`${example.api}/hello`, { headers: { origin: example.app } })
      expect(response.status).to.equal(401)
      expect(response.headers.get('access-control-allow-origin')).to.equal(example.app)
      expect(response.headers.get('access-control-expose-headers')).to.equal('WWW-Authenticate')
      const preflight = await fetch(`${example.api}/hello`, {
        method: 'OPTIONS',
        headers: {
          origin: example.app,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        },
      })
      expect(preflight.status).to.equal(204)
      expect(preflight.headers.get('access-control-allow-headers')).to.equal('authorization')
    })

    it('lets go of everything when it is stopped', async () => {
      const ports = [example.hallpass, example.app, example.api].map((url) => Number(new URL(url).port))
      await example.stop()
      for (const port of ports) expect(await findPort(port)).to.equal(port)
    })
  })

  it('says so when a port is taken, and starts nothing', async () => {
    const taken = createServer().listen(0, 'localhost')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const error = await startEverything({ hallpass: 0, app: 0, api: port }).catch((refused: unknown) => refused)
    taken.close()
    expect(error).to.be.instanceOf(PortTaken)
    expect((error as PortTaken).message).to.include(String(port))
  })
})

/** Vite sets NODE_ENV for the whole process where nobody has; another test may have had it serve in development. */
async function inProduction<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  try {
    return await work()
  } finally {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  }
}
