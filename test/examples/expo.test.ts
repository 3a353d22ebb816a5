/** The example for phones: that it compiles against what Expo ships, and that its storages keep a session. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createClient, type Client, type ClientStorage } from 'hallpass/client'
import { cluesFromHallpassClient } from '../../src/server/sessions/hallpass-client.ts'
import { PASSWORD, register } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { trouble } from './expo/keychain.ts'
import { safe } from './expo/secure-store.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const EXPO = join(ROOT, 'examples', 'expo')
const read = (file: string): Promise<string> => readFile(join(ROOT, 'examples', file), 'utf8')

/** What only a phone has, and what stands in for it here. */
const FAKES: Record<string, string> = {
  'expo-secure-store': 'secure-store.ts',
  'react-native-keychain': 'keychain.ts',
}

/** A file of the example, which is a module to Metro and to TypeScript; Node would have to guess, and say so. */
const importFrom = <Exports>(file: string): Promise<Exports> => import(pathToFileURL(join(EXPO, file)).href)

describe('The Expo example', () => {
  let hooks: { deregister(): void }
  before(() => {
    hooks = registerHooks({
      resolve(specifier, context, nextResolve) {
        const fake = FAKES[specifier]
        if (fake !== undefined) return nextResolve(pathToFileURL(join(import.meta.dirname, 'expo', fake)).href)
        const resolved = nextResolve(specifier, context)
        return specifier.includes('/examples/expo/') ? { ...resolved, format: 'module-typescript' } : resolved
      },
    })
  })
  after(() => hooks.deregister())

  it('compiles against Expo and React Native', async function () {
    if (!existsSync(join(EXPO, 'node_modules', 'react-native'))) this.skip()
    this.timeout(120_000)
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
    const said = await promisify(execFile)(tsc, ['-p', EXPO]).catch((error: { stdout: string }) => error)
    expect(said.stdout).to.equal('')
  })

  it('has the same words as the single-page app', async () => {
    expect(await read('expo/words.ts')).to.equal(await read('spa/src/words.ts'))
  })

  it('keeps what a phone has out of its backups', async () => {
    const { expo } = JSON.parse(await read('expo/app.json')) as { expo: Record<string, unknown> }
    expect(expo['android']).to.include({ allowBackup: false })
    expect(expo['plugins']).to.deep.include(['expo-secure-store', { configureAndroidBackup: true }])
  })

  describe('says what it runs on', () => {
    const PHONE = { name: 'Postcards', version: '2.3.1', os: 'Android', osVersion: '15', model: 'Pixel 8' }

    async function clues(phone: Record<keyof typeof PHONE, string | null>) {
      const { appHeader } = await importFrom<{ appHeader: (of: typeof phone) => string }>('app-header.ts')
      const header = new Headers({ 'Hallpass-Client': appHeader(phone) }).get('Hallpass-Client') ?? undefined
      return cluesFromHallpassClient(header)
    }

    it('in a header that the service understands', async () => {
      const { app, os, model } = await clues(PHONE)
      expect(app).to.deep.equal({ name: 'Postcards', version: '2.3.1' })
      expect(os).to.deep.equal({ name: 'Android', version: '15' })
      expect(model).to.equal('Pixel 8')
    })

    it('also on a phone with a strange name', async () => {
      const { os, model } = await clues({ ...PHONE, os: 'iOS', osVersion: null, model: 'Zoë’s "100 %" \\ phone' })
      expect(os).to.deep.equal({ name: 'iOS', version: null })
      expect(model).to.equal('Zoë’s "100 %" \\ phone')
    })
  })

  for (const [file, name] of [
    ['secure-storage.ts', 'secureStorage'],
    ['keychain-storage.ts', 'keychainStorage'],
  ] as const) {
    describe(`keeps a session by ${file}`, () => {
      let server: TestServer
      let storage: ClientStorage
      const clients: Client[] = []

      before(async function () {
        this.timeout(60_000)
        const made = await importFrom<Record<string, (service: string) => ClientStorage>>(file)
        storage = made[name]?.('hallpass') as ClientStorage
        server = await startServer('embedded')
      })
      beforeEach(() => {
        safe.kept.clear()
        safe.accessibilities.clear()
      })
      afterEach(() => {
        safe.isLocked = trouble.isFull = false
        for (const client of clients.splice(0)) client.close()
      })
      after(() => server?.stop())

      /** The app, as it starts. */
      function start(): Client {
        const client = createClient({ issuer: server.url, transport: 'body', storage })
        clients.push(client)
        return client
      }

      async function signIn(): Promise<Client> {
        const client = start()
        await client.signIn({ email: await register(server.url), password: PASSWORD })
        return client
      }

      it('says that nothing is kept, and only then', async () => {
        expect(await storage.read()).to.equal(null)
        await storage.write('one')
        expect(await storage.read()).to.equal('one')
        await storage.write(null)
        expect(await storage.read()).to.equal(null)
        expect(safe.kept).to.be.empty
      })

      it('goes on after a restart', async () => {
        ;(await signIn()).close()
        expect(await start().ready()).to.include({ status: 'signed_in' })
      })

      it('waits while the phone is locked, and signs nobody out', async () => {
        ;(await signIn()).close()
        safe.isLocked = true
        const client = start()
        expect(await client.ready()).to.include({ status: 'unknown', because: 'storage_failed' })
        safe.isLocked = false
        client.wake()
        await eventually(() => client.state.status === 'signed_in')
      })

      it('keeps it on this phone alone, and within what a safe promises to take', async () => {
        await signIn()
        expect([...safe.accessibilities]).to.deep.equal([3])
        for (const value of safe.kept.values()) expect(Buffer.byteLength(value)).to.be.below(2048)
      })

      it('keeps nothing after signing out', async () => {
        const client = await signIn()
        expect(await client.signOut()).to.equal(true)
        expect(safe.kept).to.be.empty
      })

      if (file === 'keychain-storage.ts') {
        it('throws where the keychain says that it kept nothing', async () => {
          trouble.isFull = true
          const error = await Promise.resolve(storage.write('one')).catch((refused: unknown) => refused)
          expect(error).to.be.instanceOf(Error)
        })
      }
    })
  }
})
