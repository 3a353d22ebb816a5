import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runCommand } from '../../src/server/commands.ts'
import { readConfig } from '../../src/server/config.ts'
import { createLog } from '../../src/server/log.ts'
import { createServer, type Hallpass } from '../../src/server/server.ts'
import { migratePostgres } from '../../src/server/database/migrate.ts'
import { basic, makeServiceKey, type Key } from '../support/api-keys.ts'
import { aSignedInPerson, PASSWORD, refresh, send, sendForm, type SignedIn } from '../support/people.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { runCli } from '../support/processes.ts'
import { startServer, TEST_SECRET, type TestServer } from '../support/server.ts'

const OTHER_SECRET = 'Zq8Lr5Wn3Kx0Vb7Tj2Hy6Md9Pf4Gc1Sa8Ew'

describe('A backup', function () {
  this.timeout(60_000)
  let directory: string
  let databaseUrl: string
  let embedded: TestServer
  let person: SignedIn
  let signedOut: SignedIn
  let key: Key
  let token: string
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hallpass-backup-'))
    databaseUrl = await (await sharedPostgres()).createDatabase()
    await migratePostgres(databaseUrl)
    embedded = await startServer('embedded')
    person = await aSignedInPerson(embedded.url)
    signedOut = await aSignedInPerson(embedded.url)
    key = await makeServiceKey(embedded, 'introspect')
    await embedded.hallpass.clients.save('default', { scope: 'orders:read' })
    await send(`${embedded.url}/v1/sessions/current`, { method: 'DELETE', token: signedOut.accessToken })
    token = await rotated(embedded, person.refreshToken)
  })
  after(async () => {
    await embedded.stop()
    await (await sharedPostgres()).dropDatabase(databaseUrl)
    rmSync(directory, { recursive: true })
  })

  const path = (name: string): string => join(directory, name)

  async function rotated({ url }: TestServer, refreshToken: string): Promise<string> {
    const { status, body } = await refresh(url, refreshToken)
    expect(status, JSON.stringify(body)).to.equal(200)
    return body.refresh_token
  }

  async function run(hallpass: Hallpass, ...argv: string[]): Promise<{ code: number; output: string }> {
    let output = ''
    const code = await runCommand(argv, hallpass, (text) => (output += text))
    return { code, output }
  }

  /** As the command line does where no server holds the store. */
  async function runAlone(environment: Record<string, string>, ...argv: string[]) {
    const config = readConfig({ HALLPASS_SECRET: TEST_SECRET, ...environment }, { bringsDelivery: true })
    const hallpass = await createServer(config, { log: createLog('silent'), migrate: false, serves: false })
    try {
      return await run(hallpass, ...argv)
    } finally {
      await hallpass.close()
    }
  }

  const toPostgres = (file: string, ...argv: string[]) =>
    runAlone({ DATABASE_URL: databaseUrl }, 'import', 'backup', path(file), ...argv)

  describe('of an embedded store', () => {
    it('is a new file that only its owner may read, made while the service runs on', async () => {
      const made = await run(embedded.hallpass, '--in-directory', directory, 'export', '--out', 'first.ndjson')
      expect(made.output).to.match(/^exported \d+ rows to first\.ndjson\n$/)
      expect(statSync(path('first.ndjson')).mode & 0o777).to.equal(0o600)
      const again = await run(embedded.hallpass, 'export', '--out', path('first.ndjson'))
      expect(again).to.deep.equal({ code: 1, output: 'the file cannot be made: EEXIST\n' })
    })

    it('goes to standard output as well', async () => {
      const { code, output } = await run(embedded.hallpass, 'export')
      expect(code).to.equal(0)
      expect(JSON.parse(output.split('\n')[0] ?? '')).to.include({ hallpass_backup: 1 })
    })

    it('has neither a token nor a password in it, nor what is for development or may be lost', () => {
      const text = readFileSync(path('first.ndjson'), 'utf8')
      for (const secret of [token, person.accessToken, key.key, PASSWORD, TEST_SECRET])
        expect(text).not.to.include(secret)
      expect(text).not.to.match(/"table": "(dev_mailbox|rate_limits|counters|migrations)"/)
      for (const table of [
        'users',
        'sessions',
        'clients',
        'api_keys',
        'signing_keys',
        'events',
        'revocations',
        'ring_secrets',
      ]) {
        expect(text).to.include(`"table": "${table}"`)
      }
    })
  })

  describe('is not imported', () => {
    it('by a server that runs', async () => {
      const { code, output } = await run(embedded.hallpass, 'import', 'backup', path('first.ndjson'))
      expect({ code, output }).to.deep.equal({
        code: 1,
        output: 'a server runs on this store: stop it, import, and start it again\n',
      })
    })

    it('with another secret', async () => {
      const { code, output } = await runAlone(
        { DATABASE_URL: databaseUrl, HALLPASS_SECRET: OTHER_SECRET },
        'import',
        'backup',
        path('first.ndjson'),
      )
      expect(output).to.match(/^this backup was made with another HALLPASS_SECRET/)
      expect(code).to.equal(1)
    })

    const TEXTS: Record<string, [(lines: string[]) => string[], RegExp]> = {
      'cut short': [(lines) => lines.slice(0, -2), /cut short/],
      'with a row missing': [(lines) => lines.filter((_, index) => index !== 3), /cut short/],
      'with something after its end': [(lines) => [...lines.slice(0, -1), lines.at(-2) ?? ''], /cut short/],
      'of something else': [() => ['{"some": "file"}'], /no backup/],
      'with nothing in it': [() => [], /no backup/],
      'of another format': [
        ([first = '', ...rest]) => [first.replace('"hallpass_backup":1', '"hallpass_backup":2'), ...rest],
        /another version/,
      ],
      'of another schema': [
        ([first = '', ...rest]) => [first.replace('0004-control', '0004-other'), ...rest],
        /another schema/,
      ],
    }
    for (const [what, [change, why]] of Object.entries(TEXTS)) {
      it(`${what}, and nothing is written`, async () => {
        writeFileSync(path('changed.ndjson'), change(readFileSync(path('first.ndjson'), 'utf8').split('\n')).join('\n'))
        const { code, output } = await toPostgres('changed.ndjson')
        expect(output).to.match(why)
        expect(code).to.equal(1)
      })
    }
  })

  describe('moves everything', () => {
    let postgres: TestServer
    after(() => postgres?.stop())

    it('to PostgreSQL: counted first, then done, then done already', async () => {
      const dry = await toPostgres('first.ndjson', '--dry-run')
      expect(dry.output)
        .to.match(/^users +2$/m)
        .and.to.match(/a dry run: nothing was written\n$/)
      const done = await toPostgres('first.ndjson')
      expect(done).to.deep.equal({ code: 0, output: dry.output.replace('a dry run: nothing was written', 'imported') })
      const again = await toPostgres('first.ndjson')
      expect(again.output).to.match(/^this backup was imported at 20\S+Z; nothing was changed\n$/)
      expect(again.code).to.equal(0)
      const other = await run(embedded.hallpass, 'export', '--out', path('other.ndjson'))
      expect(other.code, other.output).to.equal(0)
      expect((await toPostgres('other.ndjson')).output).to.match(/^this store has accounts or sessions already/)
    })

    it('so that the device goes on there, and the one that was signed out stays out', async () => {
      postgres = await startServer('postgresql', { DATABASE_URL: databaseUrl })
      token = await rotated(postgres, token)
      expect((await refresh(postgres.url, signedOut.refreshToken)).body).to.include({ reason: 'signed_out' })
      const { status } = await send(`${postgres.url}/v1/sessions`, {
        body: { email: person.email, password: PASSWORD },
      })
      expect(status).to.equal(201)
    })

    it('with keys, clients, history and the feed: a token of before is good, and a new revocation follows the old', async () => {
      const live = await sendForm(`${postgres.url}/oauth/introspect`, { token: person.accessToken }, basic(key))
      expect(live.body).to.include({ active: true, sid: person.sessionId })
      const dead = await sendForm(`${postgres.url}/oauth/introspect`, { token: signedOut.accessToken }, basic(key))
      expect(dead.body).to.include({ active: false })
      expect((await postgres.hallpass.clients.find('default'))?.scope).to.equal('orders:read')
      const one = await aSignedInPerson(postgres.url)
      const { status } = await send(`${postgres.url}/v1/sessions/current`, { method: 'DELETE', token: one.accessToken })
      expect(status).to.equal(204)
    })

    it('and back into an embedded store', async () => {
      const made = await runCli(databaseUrl, ['export', '--out', path('second.ndjson')])
      expect(made.code, made.output).to.equal(0)
      const target = { HALLPASS_DATA_DIR: path('second') }
      const done = await runAlone(target, 'import', 'backup', path('second.ndjson'))
      expect(done.output).to.match(/imported\n$/)
      const back = await startServer('embedded', target)
      try {
        token = await rotated(back, token)
        expect((await refresh(back.url, signedOut.refreshToken)).body).to.include({ reason: 'signed_out' })
      } finally {
        await back.stop()
      }
    })
  })
})
