import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync, statSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { aConsumer, builtPackage, run, runtimeDependencies } from './support/build.ts'
import { PASSWORD, register } from './support/people.ts'

const ROOT = resolve(import.meta.dirname, '..')
/** Only against waiting for ever; milliseconds. */
const LONGEST_WAIT = 60_000

interface Manifest {
  readonly version: string
  readonly private?: boolean
  readonly exports: Record<string, Record<'types' | 'default', string>>
  readonly dependencies: Record<string, string>
  readonly devDependencies?: unknown
  readonly scripts?: unknown
  readonly peerDependenciesMeta: Record<string, { optional: boolean }>
}

const manifestIn = (directory: string): Manifest =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest

describe('the published package', function () {
  this.timeout(2 * LONGEST_WAIT)
  let built: string
  before(async () => {
    built = await builtPackage()
  })

  it('exports what the repository does, compiled and with types', () => {
    const ours = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
    const published = manifestIn(built)
    expect(Object.keys(published.exports)).to.deep.equal(Object.keys(ours.exports))
    for (const targets of Object.values(published.exports)) {
      expect(statSync(join(built, targets.types)).isFile()).to.equal(true)
      expect(statSync(join(built, targets.default)).isFile()).to.equal(true)
    }
    expect(published.dependencies).to.deep.equal(ours.dependencies)
    expect(published).not.to.have.any.keys('private', 'devDependencies', 'scripts')
    expect(Object.keys(published.peerDependenciesMeta)).to.include.members(['fastify', 'hono', 'react'])
    expect(Object.values(published.peerDependenciesMeta).every(({ optional }) => optional)).to.equal(true)
  })

  it('has what it runs on in it, and nothing else of the repository', async () => {
    const listing = JSON.parse(await run('npm', ['pack', '--dry-run', '--json'], { cwd: built })) as [
      { files: { path: string; mode: number }[] },
    ]
    const paths = listing[0].files.map(({ path }) => path)
    expect(paths).to.include.members(['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
    const others = paths.filter(
      (path) =>
        !/\.(js|d\.ts|js\.map)$/.test(path) &&
        !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path) &&
        !/^src\/server\/(emails\/templates\/\w+\.(html|txt)\.eta|pages\/(style|admin\/admin)\.css|users\/common-passwords\.txt)$/.test(
          path,
        ),
    )
    expect(others).to.deep.equal([])
    expect(paths.filter((path) => !/^(src|migrations)\/|^[^/]+$/.test(path))).to.deep.equal([])
  })

  it('has nothing of the machine that built it in its source maps', () => {
    const maps = globSync('**/*.map', { cwd: built })
    expect(maps).not.to.be.empty
    for (const map of maps) {
      const { sourceRoot, sources } = JSON.parse(readFileSync(join(built, map), 'utf8')) as {
        sourceRoot: string
        sources: string[]
      }
      expect([sourceRoot, sources]).to.deep.equal(['hallpass:///', [map.replace(/js\.map$/, 'ts')]])
    }
  })

  describe('in an API in JavaScript', () => {
    it('checks tokens with nothing but jose beside it', async () => {
      const directory = await aConsumer(['jose'], ['consumers/plain.js'])
      expect(JSON.parse(await run('node', ['plain.js'], { cwd: directory }))).to.deep.equal({
        adapters: ['function', 'function', 'function', 'function'],
        good: [200, 'application/json'],
        forbidden: [403, 'application/problem+json'],
        bad: [401, 'application/problem+json'],
        others: ['function', 'function'],
      })
    })

    it('imports nothing else in any file of the verifier, and in those of the client nothing but React for its hook', () => {
      const files = globSync('src/{verifier,client,protocol}/**/*.js', { cwd: built })
      const imported = files.flatMap((file) =>
        [...readFileSync(join(built, file), 'utf8').matchAll(/(?:\bfrom |\bimport\(|^import )["']([^.][^"']*)/gm)].map(
          ([, name]) => name,
        ),
      )
      expect(new Set(imported)).to.deep.equal(new Set(['jose', 'react']))
    })
  })

  describe('in an API in TypeScript', () => {
    const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, verbatimModuleSyntax: true }
    const resolutions = {
      nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
      bundler: { module: 'esnext', moduleResolution: 'bundler' },
    }
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')

    async function typeCheck(directory: string, file: string, options: object): Promise<void> {
      for (const [name, resolution] of Object.entries(resolutions)) {
        const compilerOptions = { ...strict, ...resolution, ...options }
        writeFileSync(join(directory, `${name}.json`), JSON.stringify({ compilerOptions, files: [file] }))
      }
      await Promise.all(Object.keys(resolutions).map((name) => run(tsc, ['-p', `${name}.json`], { cwd: directory })))
    }

    it('has types that need Web APIs only, for the verifier', async () => {
      const directory = await aConsumer(['jose'], ['consumers/core.ts'])
      await typeCheck(directory, 'core.ts', { target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], types: [] })
    })

    it('has types for pages, with nothing but React’s beside them', async () => {
      const directory = await aConsumer(['react', '@types/react', 'csstype'], ['consumers/page.ts'])
      const lib = ['es2022', 'dom', 'dom.iterable']
      await typeCheck(directory, 'page.ts', { target: 'es2022', lib, types: [], skipLibCheck: true })
    })

    it('has types that fit those of the frameworks, and for the server', async () => {
      const frameworks = ['express', '@types/express', 'fastify', 'hono', '@types/koa', '@types/node']
      const directory = await aConsumer([...(await runtimeDependencies()), ...frameworks], ['consumers/node.ts'])
      // The libraries' own declarations are not ours to check.
      await typeCheck(directory, 'node.ts', { target: 'es2024', lib: ['es2024'], types: ['node'], skipLibCheck: true })
    })
  })

  describe('as a command', () => {
    let hallpass: string
    before(async () => {
      const directory = await aConsumer(await runtimeDependencies())
      const programs = join(directory, 'node_modules', '.bin')
      mkdirSync(programs)
      hallpass = join(programs, 'hallpass')
      symlinkSync('../hallpass/src/server/cli.js', hallpass)
    })
    const inMemory = { HALLPASS_DATA_DIR: 'memory://', PORT: '0' }

    it('knows its version and its settings, wherever it is called', async () => {
      expect(await run(hallpass, ['--version'], { cwd: tmpdir() })).to.equal(`${manifestIn(built).version}\n`)
      expect(await run(hallpass, ['config'], { cwd: tmpdir(), env: inMemory })).to.match(
        /^HALLPASS_DATA_DIR +memory:\/\/ +\(environment\)$/m,
      )
    })

    it('serves, with its migrations, mails, pages and lists of words', async () => {
      const PATH = `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`
      const child = spawn(hallpass, ['serve'], { cwd: tmpdir(), env: { PATH, ...inMemory }, stdio: 'pipe' })
      const stop = (): void => void child.kill('SIGKILL')
      process.once('exit', stop)
      try {
        const url = await urlOf(child)
        expect((await fetch(`${url}/readyz`)).status).to.equal(200)
        const email = await register(url)
        expect(await mailTo(url, email)).to.include('/confirm?token=')
        const page = await (await fetch(`${url}/reset?token=none`)).text()
        expect(page).to.include(readFileSync(join(ROOT, 'src', 'server', 'pages', 'style.css'), 'utf8').slice(0, 100))
        const common = await fetch(`${url}/v1/users`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ email, password: 'password123456789' }),
        })
        expect(await common.json()).to.include({ code: 'weak_password' })
        const session = await fetch(`${url}/v1/sessions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ email, password: PASSWORD }),
        })
        expect(session.status).to.equal(201)
        const exited = once(child, 'exit')
        child.kill('SIGINT')
        expect(await exited).to.deep.equal([0, null])
      } finally {
        stop()
        process.off('exit', stop)
      }
    })
  })
})

/** The log's line about listening tells which port the system gave. @throws with what it wrote, when it ends instead */
async function urlOf(child: ChildProcess): Promise<string> {
  const chunks: string[] = []
  const url = new Promise<string>((tell, fail) => {
    const read = (chunk: string): void => {
      chunks.push(chunk)
      const port = /"port":(\d+),.*"msg":"listening"/.exec(chunks.join(''))?.[1]
      if (port !== undefined) tell(`http://localhost:${port}`)
    }
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', read)
    child.once('close', () => fail(new Error(`It did not begin to listen. It wrote:\n${chunks.join('')}`)))
  })
  return url
}

/** Mail is composed after the answer: its text, once it is there. */
async function mailTo(url: string, email: string): Promise<string> {
  for (const deadline = Date.now() + LONGEST_WAIT; Date.now() < deadline; await delay(20)) {
    const response = await fetch(`${url}/dev/mailbox.json`)
    const { messages } = (await response.json()) as { messages: { to: string; text: string }[] }
    const mail = messages.find(({ to }) => to === email)
    if (mail !== undefined) return mail.text
  }
  throw new Error(`no mail came to ${email}`)
}
