import type { ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { makeServiceKey, type Key } from '../../support/api-keys.ts'
import { aSignedInPerson, callSessions, send, signIn, type SignedIn } from '../../support/people.ts'
import { onStore } from '../../support/server.ts'
import { startBetween, type Between } from './between.ts'
import { isThere, PYTHON, startProgram, untilItIs, type Program } from './programs.ts'
import { anExample, resign, type Example } from './tokens.ts'

const FEED = '/v1/revocations'
const script = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/other-languages/python/${name}`, import.meta.url))

describe('follow.py, which follows the feed of revocations', () => {
  before(function () {
    if (!isThere(PYTHON, ['-c', 'import jwt, cryptography'])) this.skip()
  })

  onStore('embedded', (server) => {
    let key: Key
    let between: Between
    const running: Program[] = []
    beforeEach(async () => {
      key = await makeServiceKey(server(), 'revocations:read')
      between = await startBetween(() => server().url)
    })
    afterEach(async () => {
      await Promise.all(running.splice(0).map((program) => program.stop()))
      await between.stop()
    })

    const start = (name: string, ...argv: string[]): Program => {
      const program = startProgram(PYTHON, [script(name), ...argv], { HALLPASS_KEY_ID: key.id, HALLPASS_KEY: key.key })
      running.push(program)
      return program
    }
    const signOut = (device: SignedIn) => callSessions(server().url, 'DELETE', '/current', device.accessToken)

    it('prints what the feed says: that it is complete, and which sessions are over', async () => {
      const lines = start('follow.py', between.url).lines[Symbol.asyncIterator]()
      const next = async (): Promise<[string, Record<string, unknown>]> => {
        const { value = '' } = (await lines.next()) as { value?: string }
        const [event = '', ...data] = value.split(' ')
        return [event, JSON.parse(data.join(' ')) as Record<string, unknown>]
      }
      let [event, data] = await next()
      while (event !== 'horizon') [event, data] = await next()
      expect(data['horizon']).to.be.a('string')

      const device = await aSignedInPerson(server().url)
      await signOut(device)
      while (event !== 'revocation') [event, data] = await next()
      expect(data).to.include({ sid: device.sessionId, kind: 'revoked' })
    })

    describe('in an API', () => {
      let api: string
      const startApi = async (): Promise<void> => {
        const program = start('api.py', server().config.issuer, '0', between.url)
        api = String((await program.lines[Symbol.asyncIterator]().next()).value)
      }
      const ask = async (token: string): Promise<number> => (await send(api, { token })).status

      it('puts out who was signed out, and nobody else', async () => {
        await startApi()
        const device = await aSignedInPerson(server().url)
        const other = await signIn(server().url, device.email)
        await untilItIs(200, () => ask(device.accessToken))
        await signOut(device)
        await untilItIs(401, () => ask(device.accessToken))
        expect(await ask(other.accessToken)).to.equal(200)
        expect((await send(api)).status).to.equal(401)
      })

      it('hears, when it is back, of what happened while it was cut off', async () => {
        await startApi()
        const device = await aSignedInPerson(server().url)
        await untilItIs(200, () => ask(device.accessToken))
        const before = between.seen.length
        let isOpen = false
        between.takeOver = (_, response) => {
          if (!isOpen) response.writeHead(503).end()
          return !isOpen
        }
        between.cut()
        await signOut(device)
        isOpen = true
        await untilItIs(401, () => ask(device.accessToken))
        const [again] = between.seen.slice(before)
        expect(again?.url).to.equal(FEED)
        expect(again?.headers['last-event-id'], 'from where it was').to.match(/./)
      })

      describe('whose feed is told by the test', () => {
        const HORIZON = '2026-01-01T00:00:00.000Z'
        const LATER = '2026-01-01T01:00:00.000Z'
        let example: Example
        let told: ServerResponse
        let issuedAt: number

        /** In the words of the contract. */
        const entry = (sid: unknown, issuedUntil: number): string =>
          `event: revocation\nid: c\ndata: ${JSON.stringify({
            sid,
            kind: 'revoked',
            issued_until: new Date(issuedUntil * 1000).toISOString().replace('.000', ''),
            until: LATER,
          })}\n\n`
        const horizon = (at: string): string => `event: horizon\nid: c\ndata: {"horizon":"${at}"}\n\n`

        beforeEach(async () => {
          example = await anExample(server())
          issuedAt = example.claims['iat'] as number
          const opened = new Promise<ServerResponse>((resolve) => {
            between.takeOver = ({ url }, response) => {
              if (url !== FEED) return false
              response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n')
              resolve(response)
              return true
            }
          })
          await startApi()
          told = await opened
        })

        it('lets nobody in before it has been told everything once: 503, for the token may be good', async () => {
          expect(await ask(example.token)).to.equal(503)
          told.write(horizon(HORIZON))
          await untilItIs(200, () => ask(example.token))
        })

        it('refuses tokens up to the second that an entry names, and takes later ones', async () => {
          told.write(horizon(HORIZON) + entry(example.claims['sid'], issuedAt))
          await untilItIs(401, () => ask(example.token))
          expect(await ask(await resign(example, { iat: issuedAt + 1 }))).to.equal(200)
        })

        it('takes an entry that comes twice, and late, for what it is', async () => {
          const { sid } = example.claims
          told.write(entry(sid, issuedAt) + entry(sid, issuedAt - 100) + entry(sid, issuedAt) + horizon(HORIZON))
          await untilItIs(401, () => ask(example.token))
          told.write(entry(sid, issuedAt - 100) + entry('marker', issuedAt))
          const marker = await resign(example, { sid: 'marker' })
          await untilItIs(401, () => ask(marker))
          expect(await ask(example.token)).to.equal(401)
        })

        it('reads events in whatever pieces they come, and leaves out comments', async () => {
          const text = `: a comment\n\n${horizon(HORIZON)}${entry(example.claims['sid'], issuedAt)}`
          for (const character of text) {
            told.write(character)
            await new Promise((resolve) => setImmediate(resolve))
          }
          await untilItIs(401, () => ask(example.token))
        })

        it('forgets an entry when the horizon has passed its end', async () => {
          told.write(entry(example.claims['sid'], issuedAt) + horizon(HORIZON))
          await untilItIs(401, () => ask(example.token))
          told.write(horizon(LATER))
          await untilItIs(200, () => ask(example.token))
        })
      })
    })
  })
})
