import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { encodeCursor, parseSnapshot } from '../../src/server/revocations/cursor.ts'
import { endingSessions } from '../../src/server/revocations/ending-sessions.ts'
import { basic, makeServiceKey, type Key } from '../support/api-keys.ts'
import { onTwoProcesses, startProcess } from '../support/processes.ts'
import {
  addEntries,
  eventually,
  followFromNow,
  hasHeard,
  insertEntries,
  readFeed,
  sidsIn,
  type Follower,
} from '../support/revocation-feed.ts'
import { MINUTE } from '../support/rows.ts'
import { createSession, createUser } from '../support/sessions.ts'

/** Too old for what is told twice: who has not seen them by their number misses them. */
const OLD = { age: MINUTE }

const endOne = endingSessions('test.end_one', 'id = $8::uuid')

/** An API that asks again and again, now this process and now the other, from where it was. */
interface Poller {
  readonly sids: ReadonlySet<string>
  stop(): Promise<void>
}

describe('followers of the feed of revocations', function () {
  this.timeout(90_000)

  onTwoProcesses((service) => {
    let api: Key
    const followers: Follower[] = []
    const pollers: Poller[] = []
    before(async () => (api = await makeServiceKey(service().aside, 'revocations:read')))
    afterEach(async () => {
      for (const follower of followers.splice(0)) follower.close()
      for (const poller of pollers.splice(0)) await poller.stop()
    })

    const follow = async (url: string, lastEventId?: string): Promise<Follower> => {
      const follower = await followFromNow(url, api, lastEventId === undefined ? {} : { lastEventId })
      followers.push(follower)
      return follower
    }

    function poll(since: string): Poller {
      const sids = new Set<string>()
      let isStopped = false
      const polling = (async () => {
        let cursor = since
        for (let turn = 0; !isStopped; turn += 1) {
          const answer = await readFeed(service().url(turn), api, cursor).catch(() => null)
          if (answer?.status !== 200) continue
          if (answer.body.reset) throw new Error('the cursor was not understood')
          ;({ cursor } = answer.body)
          for (const sid of sidsIn(answer)) sids.add(sid)
        }
      })()
      const poller: Poller = {
        sids,
        stop() {
          isStopped = true
          return polling
        },
      }
      pollers.push(poller)
      return poller
    }

    const cursorNow = async (): Promise<string> => (await readFeed(service().url(0), api)).body.cursor

    /** One transaction for each. */
    async function addOneByOne(count: number, atOnce = 10): Promise<string[]> {
      const sids: string[] = []
      const work = async (): Promise<void> => {
        while (count-- > 0) sids.push(...(await addEntries(service().aside, 1, OLD)))
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      return sids
    }

    const everybodyHas = (all: { sids: ReadonlySet<string> }[], sids: string[]): Promise<void> =>
      eventually(() => all.every(({ sids: heard }) => sids.every((sid) => heard.has(sid))))

    it('are told of a revocation whose transaction took its number early and commits late', async () => {
      const { sql, aside } = service()
      const all = [await follow(service().url(0)), await follow(service().url(1)), poll(await cursorNow())]
      const session = await createSession(aside, await createUser(aside))
      await sql.query('begin')
      await sql.query(endOne.text, [session.userId, 'signed_out', 360, 'user', null, null, null, session.sessionId])
      const [held] = await sql.query<{ sid: string }>(insertEntries.text, [1, 'revoked', MINUTE, 360])
      const late = [session.sessionId, held?.sid ?? '']

      await everybodyHas(all, await addOneByOne(1_000))
      for (const { sids } of all)
        expect([...sids])
          .to.not.include.members(late.slice(0, 1))
          .and.not.include(late[1])
      await sql.query('commit')
      await everybodyHas(all, late)
    })

    it('miss nothing while the connections that listen are cut', async () => {
      const start = await cursorNow()
      const streams = [await follow(service().url(0)), await follow(service().url(1))]
      const all: string[] = []
      for (let round = 0; round < 8; round += 1) {
        const adding = addOneByOne(5, 2)
        const cut = await service().sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'hallpass listener'`,
        )
        if (round === 0) expect(cut).to.have.length.above(1)
        all.push(...(await adding))
      }
      await everybodyHas(streams, all)
      await everybodyHas([poll(start)], all)
    })

    it('miss nothing when their process is killed (kill -9) and they go on at another', async () => {
      const victim = await startProcess(service().databaseUrl)
      const streams = await Promise.all(Array.from({ length: 20 }, () => followFromNow(victim.url, api)))
      const cursor = (await readFeed(victim.url, api)).body.cursor
      let killed: Promise<void> | undefined
      const all: string[] = []
      // While they are being told: some know more than others.
      while (killed === undefined || all.length < 400) {
        all.push(...(await addEntries(service().aside, 20, OLD)))
        if (hasHeard(streams[0] as Follower, all.slice(0, 100)) && all.length >= 100) killed ??= victim.kill()
      }
      await killed
      const resumed = await Promise.all(
        streams.map(async (stream, index) => {
          expect(await stream.ended).to.equal('cut')
          return { before: stream.sids, after: await follow(service().url(index), stream.lastEventId) }
        }),
      )
      for (const { before, after } of resumed) {
        expect([...new Set([...before, ...after.sids])]).to.include.members(all)
      }
      expect(sidsIn(await readFeed(service().url(0), api, cursor))).to.include.members(all)
    })

    it('are told again what a failover may have hidden: a number that their cursor has seen is given out again', async () => {
      const [{ snapshot } = { snapshot: '' }] = await service().sql.query<{ snapshot: string }>(
        'select pg_current_snapshot()::text as snapshot',
      )
      const ahead = parseSnapshot(snapshot).xmax + 10_000
      const cursor = encodeCursor(`${ahead}:${ahead}:`, Date.now())
      const news = await addEntries(service().aside, 3)
      for (const turn of [0, 1]) {
        const answer = await readFeed(service().url(turn), api, cursor)
        expect(answer.body).not.to.have.property('reset')
        expect(sidsIn(answer)).to.include.members(news)
        expect([...(await follow(service().url(turn), cursor)).sids]).to.include.members(news)
      }
    })

    it('are dropped when they read too slowly, and get everything when they come again', async () => {
      const { hostname, port } = new URL(service().url(0))
      const cursor = await cursorNow()
      const socket = connect(Number(port), hostname)
      const lines = [`GET /v1/revocations?since=${cursor} HTTP/1.1`, 'Host: x', 'Accept: text/event-stream']
      socket.write(`${[...lines, `Authorization: ${basic(api).authorization}`].join('\r\n')}\r\n\r\n`)
      let text = await untilText(socket, 'event: horizon')
      socket.pause()

      const fast = await follow(service().url(0))
      const all: string[] = []
      for (let count = 0; count < 90; count += 1) {
        const lot = await addEntries(service().aside, 400, OLD)
        all.push(...lot)
        await fast.until(() => hasHeard(fast, lot))
      }
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      await new Promise((resolve) => socket.once('close', resolve))
      expect(text.endsWith('0\r\n\r\n'), 'ended in good order').to.equal(false)
      const told = new Set(Array.from(text.matchAll(/"sid":"([^"]+)"/g), ([, sid]) => sid))
      expect(
        all.every((sid) => told.has(sid)),
        'told everything',
      ).to.equal(false)
      const again = await follow(service().url(0), cursor)
      expect(hasHeard(again, all)).to.equal(true)
    })

    it('are told by the hundred: 400 of them, 200 revocations', async () => {
      const { url } = service().processes[0]
      const cursor = await cursorNow()
      const streams = await Promise.all(Array.from({ length: 400 }, () => follow(url, cursor)))
      const all = [
        ...(await addOneByOne(150)),
        ...(await Promise.all(Array.from({ length: 50 }, () => addOneByOne(1)))).flat(),
      ]
      for (const stream of streams) await stream.until(() => hasHeard(stream, all))
      const known = new Set<string | undefined>(all)
      for (const { events } of streams) {
        const told = events.filter(({ data }) => known.has(data.sid))
        expect(told, 'each once').to.have.length(all.length)
      }
    })
  })
})

async function untilText(socket: Socket, end: string): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (text.includes(end)) return text
  }
  throw new Error(`the connection ended before ${end}`)
}
