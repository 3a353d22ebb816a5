import crypto, { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import http, { type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { pino, type Logger } from 'pino'
import { createRing, type Ring } from '../../../src/server/tokens/ring.ts'
import { EVENT_TYPES } from '../../../src/server/webhooks/event-types.ts'
import { writeMessage } from '../../../src/server/webhooks/message.ts'
import { createPosting, type Posting } from '../../../src/server/webhooks/posting.ts'
import { createWebhooks } from '../../../src/server/webhooks/webhooks.ts'
import { withDatabaseAway } from '../../support/database-traffic.ts'
import { onStore, TEST_SECRET } from '../../support/server.ts'
import { createWebhook, makeDue, startReceiver, verify, type Receiver } from '../../support/webhooks.ts'

const NEW_SECRET = 'bQ7wE4rT1yU8iO5pA2sD9fG6hJ3kL0zX4cV'
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

describe('Posting', () => {
  onStore('postgresql', (server) => {
    const postings: Posting[] = []
    let receiver: Receiver
    let webhook: { id: string; secret: string }
    let logged: string
    const lines = new EventEmitter()

    // Only what a test starts itself takes anything up.
    before(() => server().hallpass.posting.stop())
    beforeEach(async () => {
      logged = ''
      receiver = await startReceiver()
      webhook = await createWebhook(server(), `${receiver.url}?key=hunter2`)
    })
    afterEach(async () => {
      await server().hallpass.webhooks.delete(webhook.id)
      await Promise.all(postings.splice(0).map((posting) => posting.stop()))
      await receiver.stop()
    })

    const write = (line: string): void => {
      logged += line
      lines.emit('line')
    }

    /** Of one more process. */
    function aPosting(ring: Ring = createRing(TEST_SECRET)): Posting {
      const log = pino({ level: 'debug' }, { write }) as Logger
      const posting = createPosting({ database: server().hallpass.store.database, ring, log })
      postings.push(posting)
      return posting
    }
    const ping = () => server().hallpass.webhooks.ping(webhook.id)
    const waiting = () => server().hallpass.webhooks.countWaiting(webhook.id)

    it('delivers everything once when all goes well, however many processes do it', async () => {
      for (let count = 0; count < 30; count += 1) await ping()
      await Promise.all([aPosting(), aPosting(), aPosting()].map((posting) => posting.run()))
      expect(receiver.received).to.have.lengthOf(30)
      expect(new Set(receiver.received.map(({ id }) => id)).size).to.equal(30)
      expect(await waiting()).to.equal(0)
    })

    it('takes up by itself what was written while nobody looked', async () => {
      const id = await ping()
      await aPosting().start()
      const [received] = await receiver.has(1)
      expect(received?.id).to.equal(id)
    })

    it('writes to the log what became of it, and neither secret, signature nor the query of the URL', async () => {
      const posting = aPosting()
      receiver.answer = 500
      await ping()
      await posting.run()
      receiver.answer = 410
      await makeDue(server(), webhook.id)
      await posting.run()
      expect(logged.trim().split('\n')).to.have.lengthOf(3)
      expect(logged).to.include('tried again later').and.to.include('given up').and.to.include('disabled')
      const signatures = receiver.received.map(({ headers }) => headers['webhook-signature'] ?? '')
      for (const secret of [...signatures, webhook.secret, 'whsec_', 'hunter2', receiver.url]) {
        expect(logged).not.to.include(secret)
      }
    })

    it('loses nothing when the answer cannot be noted', async () => {
      const posting = aPosting()
      const id = await ping()
      receiver.answer = (_request, response) => {
        void withDatabaseAway(server(), async () => {
          response.writeHead(204).end()
          while (!logged.includes('something went wrong')) await once(lines, 'line')
        })
      }
      await posting.run()
      receiver.answer = 204
      await makeDue(server(), webhook.id)
      await posting.run()
      expect(receiver.received.map((each) => each.id)).to.deep.equal([id, id])
      expect(await waiting()).to.equal(0)
    })

    it('ends with the process, and leaves what is on its way to the next', async () => {
      const posting = aPosting()
      receiver.answer = () => undefined
      await ping()
      const running = posting.run()
      await receiver.has(1)
      await posting.stop()
      await running
      expect(await server().hallpass.webhooks.deliveries(webhook.id, { since: null, failedOnly: false })).to.be.empty
      receiver.answer = 204
      await makeDue(server(), webhook.id)
      await aPosting().run()
      expect(await waiting()).to.equal(0)
    })

    it('leaves to another process what it has not the secret for', async () => {
      await ping()
      await aPosting(createRing(NEW_SECRET)).run()
      expect(receiver.received).to.be.empty
      const [attempt] = await server().hallpass.webhooks.deliveries(webhook.id, { since: null, failedOnly: true })
      expect(attempt).to.include({ failure: 'unknown_secret', status: null })
      await makeDue(server(), webhook.id)
      await aPosting().run()
      expect(receiver.received).to.have.lengthOf(1)
    })

    it('goes on when HALLPASS_SECRET has changed, also in the day with two secrets', async () => {
      const { database } = server().hallpass.store
      const webhooks = createWebhooks({ database, ring: createRing(NEW_SECRET, [TEST_SECRET]) })
      const second = (await webhooks.rotateSecret(webhook.id)) ?? ''
      const other = await createWebhook(server(), receiver.url)
      await server().hallpass.webhooks.rotateSecret(other.id)
      expect(await webhooks.reencrypt()).to.equal(1)
      expect(await webhooks.reencrypt()).to.equal(0)

      await ping()
      await webhooks.ping(other.id)
      await aPosting(createRing(NEW_SECRET)).run()
      const both = await receiver.has(2)
      const pinged = both.find((each) => new Set(each.headers['webhook-signature']?.split(' ')).size === 2)
      expect(pinged, 'two signatures').not.to.equal(undefined)
      const signedBy = (secret: string) => both.filter((each) => isBy(secret, each)).length
      expect([webhook.secret, second, other.secret].map(signedBy)).to.deep.equal([1, 1, 1])
      await webhooks.delete(other.id)
    })
  })
})

describe('The receiver in docs/webhooks.md', () => {
  it('takes what we send, and nothing that was changed', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const text = /```js\n(.+?)```/s.exec(readFileSync(join(ROOT, 'docs/webhooks.md'), 'utf8'))?.[1] ?? ''
    const started = Promise.withResolvers<Server>()
    const seen: unknown[] = []
    // eslint-disable-next-line typescript/no-implied-eval -- the documentation is ours
    const program = new Function('process', 'console', 'require', 'started', inAFunction(text))
    const required: Record<string, unknown> = { 'node:crypto': crypto, 'node:http': http }
    program(
      { env: { WEBHOOK_SECRET: secret } },
      { log: (id: string) => seen.push(id) },
      (name: string) => required[name],
      started.resolve,
    )
    const server = await started.promise
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const event = { id: randomUUID(), type: 'ping', created_at: '2026-03-04T14:05:09Z' }
      const { body, headers } = writeMessage(event, [Buffer.alloc(32), Buffer.alloc(32, 7)], new Date())
      const statusOf = async (changed: Record<string, string>, sent = body) =>
        (await fetch(url, { method: 'POST', body: sent, headers: { ...headers, ...changed } })).status
      expect(await statusOf({})).to.equal(204)
      expect(await statusOf({}, body.replace('ping', 'pong'))).to.equal(400)
      expect(await statusOf({ 'webhook-id': randomUUID() })).to.equal(400)
      expect(await statusOf({ 'webhook-signature': 'v1,\u00fc\u00fc' })).to.equal(400)
      const old = writeMessage(event, [Buffer.alloc(32, 7)], new Date(Date.now() - 3_600_000))
      expect(await statusOf(old.headers as Record<string, string>)).to.equal(400)
      expect(seen).to.deep.equal([event.id])
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  const inAFunction = (text: string): string =>
    text
      .replaceAll(/^import (\{.+\}) from '(.+)'$/gm, "const $1 = require('$2')")
      .replace(/\.listen\(4000\)\s*$/, ".listen(0, '127.0.0.1', function () { started(this) })")
})

describe('The types of events', () => {
  const written = /'((?:session|user|api_key|client)\.[a-z_]+)'/g

  it('are all that the code records, and all are explained in docs/webhooks.md', () => {
    const server = join(ROOT, 'src/server')
    const recorded = readdirSync(server, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('webhooks/'))
      .flatMap((name) => [...readFileSync(join(server, name), 'utf8').matchAll(written)].map(([, type = '']) => type))
    expect([...new Set(recorded)].sort()).to.deep.equal([...EVENT_TYPES].sort())
    const docs = readFileSync(join(ROOT, 'docs/webhooks.md'), 'utf8')
    for (const type of EVENT_TYPES) expect(docs).to.include(`| \`${type}\` |`)
  })
})

function isBy(secret: string, received: Parameters<typeof verify>[1]): boolean {
  try {
    verify(secret, received)
    return true
  } catch {
    return false
  }
}
