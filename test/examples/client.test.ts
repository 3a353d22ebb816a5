/** The examples of docs/client.md are what it says they are, and do what it says. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createClient, type Client } from 'hallpass/client'
import { fetchOrders } from '../../examples/client/calling-apis.ts'
import { client as unused } from '../../examples/client/client.ts'
import { signOutOthers } from '../../examples/client/devices.ts'
import { signIn } from '../../examples/client/signing-in.ts'
import { follow } from '../../examples/client/states.ts'
import { openClient } from '../../examples/client/storage.ts'
import { PASSWORD, register, signIn as signInDevice } from '../support/people.ts'
import { eventually } from '../support/revocation-feed.ts'
import { moveTimes } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8')

describe('The documentation of the client', () => {
  const blocksIn = (page: string): [string, string][] =>
    [...page.matchAll(/^```ts\n\/\/ (examples\/client\/.*)\n([^]*?)^```$/gm)].map(([, file = '', code = '']) => [
      file,
      code,
    ])

  for (const page of ['docs/client.md', 'README.md']) {
    it(`quotes code that is checked and run: ${page}`, async () => {
      const blocks = blocksIn(await read(page))
      expect(blocks).not.to.be.empty
      for (const [file, code] of blocks) expect(await read(file), file).to.equal(code)
    })
  }

  it('shows every example', async () => {
    const shown = blocksIn(await read('docs/client.md')).map(([file]) => file)
    const files = await readdir(join(ROOT, 'examples/client'))
    expect(shown).to.have.members(files.map((name) => `examples/client/${name}`))
  })
})

describe('The examples of the client', () => {
  onStore('embedded', (server) => {
    let email: string
    let client: Client
    let directory: string
    const open = (): Client => openClient(server().url, join(directory, 'session'))

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'hallpass-client-'))
      email = await register(server().url)
    })
    beforeEach(() => {
      client = open()
    })
    afterEach(async () => {
      await client.signOut()
      client.close()
    })
    after(() => rm(directory, { recursive: true }))

    it('sign a person in, and say what was wrong', async () => {
      expect(await signIn(client, email, 'not the password')).to.equal('The address or the password is wrong.')
      expect(await signIn(client, email, PASSWORD)).to.equal(null)
    })

    it('keep the session in a file, for the next start', async () => {
      await signIn(client, email, PASSWORD)
      client.close()
      client = open()
      expect(await client.ready()).to.include({ status: 'signed_in' })
    })

    it('say what is true now, and what is true later', async () => {
      const shown: string[] = []
      const stop = follow(client, (words) => shown.push(words))
      await signIn(client, email, PASSWORD)
      await eventually(() => shown.at(-1) === 'Welcome back.')
      await client.signOut()
      await eventually(() => shown.at(-1) === 'Please sign in.')
      expect(shown[0]).to.equal('One moment …')
      stop()
    })

    it('call an API, and say when they are offline', async () => {
      await signIn(client, email, PASSWORD)
      expect(await fetchOrders(client, `${server().url}/v1`)).to.equal(null) // there are no orders here
      const offline = createClient({ issuer: 'http://localhost:9', transport: 'cookie' })
      expect(await fetchOrders(offline, 'http://localhost:9')).to.equal('offline')
      offline.close()
    })

    it('sign the other devices out, after the password where it is due', async () => {
      const session = await client.signIn({ email, password: PASSWORD })
      const other = await signInDevice(server().url, email)
      const asked: string[] = []
      const askForPassword = (): Promise<string> => Promise.resolve((asked.push('asked'), PASSWORD))
      expect(await signOutOthers(client, askForPassword)).to.equal(1)
      expect(asked).to.be.empty
      await moveTimes(server(), { ...other, sessionId: session.id }, { authenticated_at: -3600 })
      client.close()
      client = open()
      await signInDevice(server().url, email)
      expect(await signOutOthers(client, () => Promise.resolve(null))).to.equal(0)
      expect(await signOutOthers(client, askForPassword)).to.equal(1)
      expect(asked).to.have.lengthOf(1)
    })

    it('ask nothing of anybody before they are used', () => {
      expect(unused.state).to.deep.equal({ status: 'unknown', because: 'starting', sessionId: null })
    })
  })
})
