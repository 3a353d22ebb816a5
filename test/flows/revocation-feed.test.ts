import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Unavailable } from '../../src/server/errors.ts'
import { encodeCursor, NOTHING_SEEN } from '../../src/server/revocations/cursor.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { createAccessTokens } from '../../src/server/tokens/access-token.ts'
import {
  basic,
  BASIC_CHALLENGE,
  exchange,
  makeKey,
  makeServiceKey,
  moveKeyTimes,
  tokenOf,
  type Key,
} from '../support/api-keys.ts'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { changePassword, NEW_PASSWORD } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import {
  aSignedInPerson,
  callSessions,
  PASSWORD,
  refresh,
  rotate,
  send,
  sendForm,
  signIn,
  type SignedIn,
} from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import {
  addEntries,
  eventually,
  follow,
  followFromNow,
  hasHeard,
  readFeed,
  sidsIn,
  withStatement,
  type FeedEvent,
  type Follower,
} from '../support/revocation-feed.ts'
import { feedOf, HOUR, MINUTE, moveTimes } from '../support/rows.ts'
import { onBothStores, onStore, startServer, type TestServer } from '../support/server.ts'

/** Life of an access token and the margin, as the test's servers have them. Seconds. */
const IN_FORCE_FOR = 5 * MINUTE + 60
const STREAM = { accept: 'text/event-stream' }

const revokeKey = ({ hallpass }: TestServer, { id }: Key): Promise<boolean> =>
  hallpass.apiKeys.revoke(null, id, OPERATOR)

describe('The feed of revocations', () => {
  onBothStores((server) => {
    let api: Key
    before(async () => (api = await makeServiceKey(server(), 'revocations:read')))

    const ask = (since?: string, headers?: Record<string, string>) => readFeed(server().url, api, since, headers)

    const askSigningOut = async (): Promise<SignedIn> => {
      const person = await aSignedInPerson(server().url)
      await callSessions(server().url, 'DELETE', '/current', person.accessToken)
      return person
    }

    describe('as JSON', () => {
      it('says of a session that ended what an API has to know, and nothing else', async () => {
        const person = await askSigningOut()
        const { status, headers, body } = await ask()
        expect(status).to.equal(200)
        expect(headers.get('content-type')).to.match(/^application\/json(;|$)/)
        expect(headers.get('cache-control')).to.equal('private, no-cache')
        expect(headers.get('vary')).to.match(/\baccept\b/i)
        expect(body).to.have.all.keys('cursor', 'horizon', 'jwks', 'revocations')
        expect(body.horizon).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

        const entry = body.revocations.find(({ sid }) => sid === person.sessionId)
        const ended = await callSessions(
          server().url,
          'GET',
          `/${person.sessionId}`,
          (await signIn(server().url, person.email)).accessToken,
        )
        const revokedAt = Date.parse(ended.body['revoked_at'] as string)
        // When the row was there to be changed: it may have had to wait since it was told to end.
        const [{ issued_until: issuedUntil } = { issued_until: new Date(0) }] = await feedOf(server(), person)
        expect(issuedUntil.getTime()).to.be.at.least(revokedAt)
        expect(entry).to.deep.equal({
          sid: person.sessionId,
          kind: 'revoked',
          issued_until: `${issuedUntil.toISOString().slice(0, 19)}Z`,
          until: new Date(issuedUntil.getTime() + IN_FORCE_FOR * 1000).toISOString(),
        })
        expect(Date.parse(body.horizon)).to.be.at.least(revokedAt)
        const text = JSON.stringify(body)
        for (const unsaid of [person.userId, person.email, 'signed_out', 'hprt_', 'hpak_', 'eyJ'])
          expect(text).not.to.include(unsaid)
      })

      it('says which keys are published, by the ETag of the key set', async () => {
        const keySet = await send(`${server().url}/.well-known/jwks.json`)
        expect((await ask()).body.jwks).to.equal(keySet.headers.get('etag')?.replaceAll('"', ''))
      })

      it('tells however a session ends', async () => {
        const { url } = server()
        const person = await aSignedInPerson(url)
        const [one, two, reused, handedBack] = [
          await signIn(url, person.email),
          await signIn(url, person.email),
          await signIn(url, person.email),
          await signIn(url, person.email),
        ]
        const told = async (...ended: SignedIn[]): Promise<void> => {
          expect(sidsIn(await ask())).to.include.members(ended.map(({ sessionId }) => sessionId))
        }

        await callSessions(url, 'DELETE', `/${one.sessionId}`, person.accessToken)
        await told(one)

        const [oldToken] = await rotate(url, reused, 2)
        await moveTimes(server(), reused, { rotated_at: -HOUR })
        expect((await refresh(url, oldToken)).body).to.include({ reason: 'token_reuse' })
        await told(reused)

        await sendForm(`${url}/oauth/revoke`, { token: handedBack.refreshToken })
        await told(handedBack)

        await changePassword(url, person.accessToken, PASSWORD, NEW_PASSWORD)
        await told(two)
        expect(sidsIn(await ask())).not.to.include(person.sessionId)

        await callSessions(url, 'DELETE', '', person.accessToken)
        await told(person)
      })

      it('tells of an API key that was revoked, and of tokens that were ended with one of them', async () => {
        const { url } = server()
        const person = await aSignedInPerson(url)
        const revoked = await makeKey(url, person.accessToken)
        const rested = await makeKey(url, person.accessToken)
        await send(`${url}/v1/api-keys/${revoked.id}`, { method: 'DELETE', token: person.accessToken })
        await sendForm(`${url}/oauth/revoke`, { token: await tokenOf(url, rested) })
        expect(sidsIn(await ask())).to.include.members([revoked.id, rested.id])
      })

      it('tells that what older tokens of a session say is outdated', async () => {
        const [sid] = await addEntries(server(), 1, { kind: 'stale' })
        const { body } = await ask()
        expect(body.revocations.find((entry) => entry.sid === sid)).to.include({ kind: 'stale' })
      })

      it('tells everything in force without a cursor, and with one only what is new', async () => {
        const old = await addEntries(server(), 3, { age: MINUTE })
        const first = await ask()
        expect(sidsIn(first)).to.include.members(old)
        const news = await addEntries(server(), 2, { age: MINUTE })
        const second = await ask(first.body.cursor)
        expect(second.body).not.to.have.property('reset')
        expect(sidsIn(second)).to.include.members(news).and.not.include.members(old)
        const third = await ask(second.body.cursor)
        expect(sidsIn(third)).not.to.include.members(news)
        expect(sidsIn(await ask(first.body.cursor)), 'a cursor may be used again').to.include.members(news)
        expect(sidsIn(await ask(''))).to.include.members([...old, ...news])
      })

      it('tells once more what was committed in the last ten seconds, since a failover may have hidden it', async () => {
        const young = await addEntries(server())
        const { cursor } = (await ask()).body
        expect(sidsIn(await ask(cursor))).to.include.members(young)
      })

      it('begins anew, and says so, for a cursor that is unknown or too old', async () => {
        const old = await addEntries(server(), 1, { age: MINUTE })
        const { cursor } = (await ask()).body
        const [, snapshot] = /^\d+:(.*)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
        const at = (seconds: number): string => encodeCursor(snapshot ?? '', Date.now() + seconds * 1000)
        for (const unknown of [
          'x',
          '0',
          '%00',
          '../../etc/passwd',
          randomUUID(),
          cursor.slice(0, -8),
          cursor.slice(4),
          cursor + cursor,
          'A'.repeat(8_000),
          'A'.repeat(9_000),
          encodeCursor(NOTHING_SEEN, 0),
          at(-IN_FORCE_FOR),
          at(+HOUR),
        ]) {
          const { status, body } = await ask(unknown)
          expect(status, unknown.slice(0, 50)).to.equal(200)
          expect(body, unknown.slice(0, 50)).to.include({ reset: true })
          expect(body.revocations.map(({ sid }) => sid)).to.include.members(old)
        }
        for (const known of [cursor, at(0), at(-40)]) expect(sidsIn(await ask(known))).not.to.include.members(old)
        expect((await ask(at(-IN_FORCE_FOR + 40))).body).not.to.have.property('reset')
      })

      it('forgets an entry when the last token it concerns has expired', async () => {
        const past = await addEntries(server(), 1, { age: HOUR, life: IN_FORCE_FOR })
        const passing = await addEntries(server(), 1, { life: 1 })
        const { body } = await ask()
        expect(body.revocations.map(({ sid }) => sid)).not.to.include.members(past)
        for (const { until } of body.revocations) expect(Date.parse(until)).to.be.above(Date.parse(body.horizon))
        await eventually(async () => !sidsIn(await ask()).includes(passing[0] ?? ''))
      })

      it('is not sent again while nothing changes', async () => {
        const { cursor } = (await ask()).body
        const first = await ask(cursor)
        const etag = first.headers.get('etag') ?? ''
        expect(etag).to.match(/^W\/"[^"]+"$/)
        // fetch says beside it that no cache may answer; others do not.
        const path = `/v1/revocations?since=${cursor}`
        const headers = { ...basic(api), 'if-none-match': etag }
        for (const same of [
          await ask(cursor, { 'if-none-match': etag }),
          await ask(cursor, { 'if-none-match': `"another", ${etag}` }),
          await sendRawRequest(server().url, { path, headers }),
        ]) {
          expect(same.status).to.equal(304)
          expect(Object.fromEntries(new Headers(same.headers as Record<string, string>))).to.include({ etag })
        }
        await addEntries(server())
        const changed = await ask(cursor, { 'if-none-match': etag })
        expect(changed.status).to.equal(200)
        expect(changed.headers.get('etag')).not.to.equal(etag)
        expect((await ask(cursor, { 'if-none-match': '"another"' })).status).to.equal(200)
      })

      it('answers HEAD, also where a stream is wished for', async () => {
        for (const accept of ['*/*', 'text/event-stream']) {
          const { status, headers, text } = await sendRawRequest(server().url, {
            method: 'HEAD',
            path: '/v1/revocations',
            headers: { ...basic(api), accept },
          })
          expect({ status, text }).to.deep.equal({ status: 200, text: '' })
          expect(headers['content-type']).to.match(/^application\/json/)
        }
      })

      it('refuses what it does not know', async () => {
        for (const query of ['?sinse=x', '?since=a&since=b', '?since=a&cursor=b', '?since[]=a']) {
          for (const accept of ['application/json', 'text/event-stream']) {
            const headers = { ...basic(api), accept }
            expectProblem(await send(`${server().url}/v1/revocations${query}`, { headers }), 400, 'invalid_request')
          }
        }
        const posted = await send(`${server().url}/v1/revocations`, { body: {}, headers: basic(api) })
        expectProblem(posted, 405, 'method_not_allowed')
      })

      it('says 503 while the database is away, and then goes on', async () => {
        const { cursor } = (await ask()).body
        await withDatabaseAway(server(), async () => {
          for (const headers of [{}, STREAM]) {
            const away = await ask(cursor, headers)
            expectProblem(away, 503, 'temporarily_unavailable')
            expect(away.headers.get('retry-after')).to.match(/^[1-9]\d*$/)
          }
        })
        const news = await addEntries(server())
        expect(sidsIn(await ask(cursor))).to.include.members(news)
      })

      it('says 503, and nothing incomplete, where only the feed cannot be read', async () => {
        const fail = () => Promise.reject(new Unavailable('the connection was lost'))
        await withStatement(server(), 'revocations.read_news', fail, async () => {
          for (const headers of [{}, STREAM])
            expectProblem(await ask(undefined, headers), 503, 'temporarily_unavailable')
        })
        expect((await ask()).status).to.equal(200)
      })
    })

    describe('is for', () => {
      const tryBoth = async (headers: Record<string, string>) => [
        await send(`${server().url}/v1/revocations`, { headers }),
        await send(`${server().url}/v1/revocations`, { headers: { ...headers, ...STREAM } }),
      ]

      it('a key of the scope revocations:read, and a token of such a key', async () => {
        const token = await tokenOf(server().url, api)
        for (const headers of [basic(api), { authorization: `Bearer ${token}` }]) {
          expect((await send(`${server().url}/v1/revocations`, { headers })).status).to.equal(200)
          const follower = await followFromNow(server().url, api, { headers })
          follower.close()
        }
      })

      it('nobody without a key', async () => {
        for (const refused of await tryBoth({})) {
          expectProblem(refused, 401, 'invalid_access_token')
          expect(refused.headers.get('www-authenticate')).to.equal('Bearer')
        }
      })

      it('no person', async () => {
        const person = await aSignedInPerson(server().url)
        for (const refused of await tryBoth({ authorization: `Bearer ${person.accessToken}` })) {
          expectProblem(refused, 401, 'invalid_access_token')
          expect(refused.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
        }
      })

      it('no key that is wrong or revoked, nor a token of it', async () => {
        const key = await makeServiceKey(server(), 'revocations:read')
        const token = await tokenOf(server().url, key)
        await revokeKey(server(), key)
        for (const headers of [basic(key), basic({ id: api.id, key: key.key })]) {
          for (const refused of await tryBoth(headers)) {
            expectProblem(refused, 401, 'invalid_access_token')
            expect(refused.headers.get('www-authenticate')).to.equal(BASIC_CHALLENGE)
          }
        }
        for (const refused of await tryBoth({ authorization: `Bearer ${token}` }))
          expectProblem(refused, 401, 'invalid_access_token')
      })

      it('no key of another scope, and no token that was made for less', async () => {
        const person = await aSignedInPerson(server().url)
        const others = [
          await makeServiceKey(server(), 'introspect admin'),
          await makeKey(server().url, person.accessToken, { scope: 'revocations' }),
        ]
        const wide = await makeServiceKey(server(), 'revocations:read introspect')
        const { body } = await exchange(server().url, wide, { scope: 'introspect' })
        for (const headers of [...others.map(basic), { authorization: `Bearer ${body.access_token}` }]) {
          for (const refused of await tryBoth(headers)) {
            expectProblem(refused, 403, 'insufficient_scope')
            expect(refused.headers.get('www-authenticate')).to.equal(
              'Bearer error="insufficient_scope", scope="revocations:read"',
            )
          }
        }
      })
    })

    describe('as a stream', () => {
      const followers: Follower[] = []
      afterEach(() => {
        for (const follower of followers.splice(0)) follower.close()
      })
      const start = async (options?: Parameters<typeof followFromNow>[2], key = api): Promise<Follower> => {
        const follower = await followFromNow(server().url, key, options)
        followers.push(follower)
        return follower
      }

      it('begins with everything in force, and then says until when that is complete', async () => {
        const old = await addEntries(server(), 3, { age: MINUTE })
        const { status, headers, events, sids } = await start()
        expect(status).to.equal(200)
        expect(headers['content-type']).to.equal('text/event-stream; charset=utf-8')
        expect(headers['cache-control']).to.equal('no-store, no-transform')
        expect(headers['x-accel-buffering']).to.equal('no')
        expect([...sids]).to.include.members(old)

        expect(events.slice(0, -1).map(({ event }) => event)).to.not.include('horizon')
        const { event, data } = events.at(-1) as FeedEvent
        expect(event).to.equal('horizon')
        expect(data).to.have.all.keys('horizon', 'jwks')
        const first = events[0] as FeedEvent
        expect(first.event).to.equal('revocation')
        expect(first.data).to.have.all.keys('sid', 'kind', 'issued_until', 'until')
      })

      it('tells of a sign-out at once, with what JSON says of it', async () => {
        const follower = await start()
        const person = await askSigningOut()
        await follower.until(() => follower.sids.has(person.sessionId))
        const { data, id } = follower.events.findLast(({ event }) => event === 'revocation') as FeedEvent
        expect((await ask()).body.revocations).to.deep.include(data)
        const after = await addEntries(server(), 1, { age: MINUTE })
        const { body } = await ask(id)
        expect(body, 'its id is a cursor').not.to.have.property('reset')
        expect(body.revocations.map(({ sid }) => sid)).to.include.members(after)
      })

      it('goes on where it broke off', async () => {
        const follower = await start()
        follower.close()
        const old = follower.events.filter(({ data }) => data.sid !== undefined).length
        const missed = await addEntries(server(), 3, { age: MINUTE })
        const resumptions = [
          await start({ lastEventId: follower.lastEventId }),
          await start({ since: follower.lastEventId }),
          await start({ lastEventId: follower.lastEventId, since: 'what the URL said at first' }),
        ]
        for (const { sids, events } of resumptions) {
          expect([...sids]).to.include.members(missed)
          expect(events.length).to.be.below(old + missed.length)
          expect(events.some(({ data }) => data.reset)).to.equal(false)
        }
      })

      it('tells the rest to whoever breaks off in the middle', async () => {
        const first = await start()
        first.close()
        const missed = await addEntries(server(), 1_200, { age: MINUTE })
        const breaking = await start({ lastEventId: first.lastEventId })
        const told = breaking.events.filter(({ event }) => event === 'revocation')
        expect(told.map(({ data }) => data.sid)).to.include.members(missed)
        for (const index of [0, 1, 600, 1_199]) {
          const resumed = await start({ lastEventId: told[index]?.id ?? '' })
          const both = new Set([...told.slice(0, index + 1).map(({ data }) => data.sid), ...resumed.sids])
          expect([...both]).to.include.members(missed)
        }
      })

      it('tells the rest to whoever breaks off in the middle of what is new', async () => {
        const follower = await start()
        const news = await addEntries(server(), 20, { age: MINUTE })
        await follower.until(() => hasHeard(follower, news))
        const told = follower.events.filter(({ data }) => news.includes(data.sid ?? ''))
        for (let index = 0; index < told.length; index += 1) {
          const { body } = await ask(told[index]?.id)
          const both = [
            ...told.slice(0, index + 1).map(({ data }) => data.sid),
            ...body.revocations.map(({ sid }) => sid),
          ]
          expect(both).to.include.members(news)
          expect(body).not.to.have.property('reset')
        }
        const { body } = await ask(told.at(-1)?.id)
        expect(body.revocations.map(({ sid }) => sid)).not.to.include.members(news)
      })

      it('begins anew, and says so, for an id that is unknown', async () => {
        const old = await addEntries(server(), 1, { age: MINUTE })
        for (const unknown of [{ lastEventId: 'unknown' }, { since: 'unknown\nid: 1\n\n' }]) {
          const { events, sids } = await start(unknown)
          expect([...sids]).to.include.members(old)
          expect(events.find(({ event }) => event === 'horizon')?.data).to.include({ reset: true })
          for (const id of new Set(events.map((event) => event.id))) {
            expect((await ask(id)).body, 'it gives out cursors only').not.to.have.property('reset')
          }
        }
      })

      it('is for those who prefer it', async () => {
        const answered = async (accept: string): Promise<string | undefined> => {
          const follower = await follow(server().url, api, { headers: { accept } })
          follower.close()
          return follower.headers['content-type']?.split(';')[0]
        }
        for (const [accept, type] of [
          ['text/event-stream', 'text/event-stream'],
          ['text/event-stream, application/json', 'text/event-stream'],
          ['text/event-stream, */*;q=0.1', 'text/event-stream'],
          ['application/json;q=0.5, text/event-stream', 'text/event-stream'],
          ['application/json, text/event-stream', 'application/json'],
          ['application/json, text/event-stream;q=0.9', 'application/json'],
          ['text/event-stream;q=0', 'application/json'],
          ['*/*', 'application/json'],
          ['text/html', 'application/json'],
        ] as const) {
          expect(await answered(accept), accept).to.equal(type)
        }
      })

      it('ends when its key is revoked, and no other stream does', async () => {
        const key = await makeServiceKey(server(), 'revocations:read')
        const token = await tokenOf(server().url, key)
        const other = await start()
        const ending = [await start({}, key), await start({ headers: { authorization: `Bearer ${token}` } })]
        await revokeKey(server(), key)
        for (const { ended } of ending) expect(await ended).to.equal('ended')
        await other.until(() => other.sids.has(key.id))
        const news = await addEntries(server())
        await other.until(() => hasHeard(other, news))
      })

      it('is not opened with a key that was revoked while it was looked up', async () => {
        const key = await makeServiceKey(server(), 'revocations:read')
        const read = async () => (await ask()).status
        const revokeMeanwhile = async (lookUp: () => Promise<unknown[]>): Promise<unknown[]> => {
          const rows = await lookUp()
          if (isRevoked) return rows
          isRevoked = true
          await revokeKey(server(), key)
          expect(await read(), 'the feed has read it').to.equal(200)
          return rows
        }
        let isRevoked = false
        await withStatement(server(), 'api_keys.find_by_id', revokeMeanwhile, async () => {
          const follower = await follow(server().url, key)
          followers.push(follower)
          expect(follower.status).to.equal(503)
        })
        expect((await follow(server().url, key)).status).to.equal(401)
      })

      it('ends when what it was opened with expires', async () => {
        const key = await makeServiceKey(server(), 'revocations:read')
        const { issuer, audience, accessTtl } = server().config
        const accessTokens = createAccessTokens({ issuer, audience, ttl: accessTtl, keys: server().hallpass.keys })
        const now = new Date(Date.now() - 1_000)
        const { accessToken } = await accessTokens.issue({
          userId: key.id,
          sessionId: key.id,
          clientId: key.id,
          scope: 'revocations:read',
          amr: ['key'],
          claims: {},
          authenticatedAt: now,
          now,
          endsAt: new Date(Date.now() + 4_000),
        })
        const byToken = await start({ headers: { authorization: `Bearer ${accessToken}` } })
        await moveKeyTimes(server(), key, { expires_at: 2 })
        const byKey = await start({}, key)
        expect(await byKey.ended).to.equal('ended')
        expect(await byToken.ended).to.equal('ended')
        expect((await follow(server().url, key)).status).to.equal(401)
      })

      it('tells many at once to all who follow, and drops nobody for it', async () => {
        const all = [await start(), await start(), await start()]
        const news = await addEntries(server(), 20_000)
        const after = await addEntries(server())
        for (const follower of all) await follower.until(() => hasHeard(follower, [...news, ...after]))
      }).timeout(60_000)
    })
  })
})

describe('The feed of revocations', () => {
  onStore('postgresql', (server) => {
    let api: Key
    before(async () => (api = await makeServiceKey(server(), 'revocations:read')))

    it('says every five seconds that nothing is missing, whatever else happens', async () => {
      const horizons: number[] = []
      const follower = await followFromNow(server().url, api, {
        onEvent: ({ data: { horizon } }) => void (horizon && horizons.push(Date.parse(horizon))),
      })
      await follower.until(() => horizons.length === 2)
      follower.close()
      expect(horizons).to.deep.equal(horizons.toSorted((a, b) => a - b))
      const { body } = await readFeed(server().url, api, follower.lastEventId)
      expect(body, 'its id is a cursor').not.to.have.property('reset')
    })

    it('can be followed from one process to another by its cursor', async () => {
      const other = await startServer('postgresql', { DATABASE_URL: server().databaseUrl ?? '' })
      try {
        const old = await addEntries(server(), 1, { age: MINUTE })
        const first = await readFeed(server().url, api)
        expect(sidsIn(first)).to.include.members(old)
        const news = await addEntries(other, 1, { age: MINUTE })
        for (const { url } of [other, server()]) {
          const { body } = await readFeed(url, api, first.body.cursor)
          expect(body).not.to.have.property('reset')
          expect(body.revocations.map(({ sid }) => sid))
            .to.include.members(news)
            .and.not.include.members(old)
          const follower = await followFromNow(url, api, { lastEventId: first.body.cursor })
          follower.close()
          expect([...follower.sids])
            .to.include.members(news)
            .and.not.include.members(old)
        }
      } finally {
        await other.stop()
      }
    })

    it('has an ETag that all processes agree on', async () => {
      const other = await startServer('postgresql', { DATABASE_URL: server().databaseUrl ?? '' })
      try {
        await addEntries(server(), 3)
        const [one, two] = await Promise.all([readFeed(server().url, api), readFeed(other.url, api)])
        expect(one.headers.get('etag')).to.equal(two.headers.get('etag'))
      } finally {
        await other.stop()
      }
    })
  })

  describe('of a server that stops', () => {
    let server: TestServer
    let api: Key
    beforeEach(async () => {
      server = await startServer('embedded')
      api = await makeServiceKey(server, 'revocations:read')
    })

    it('ends its streams, and does not wait for followers', async () => {
      const followers = await Promise.all([1, 2, 3].map(() => followFromNow(server.url, api)))
      await server.stop()
      for (const { ended } of followers) expect(await ended, 'ended, and not cut when patience ended').to.equal('ended')
    })

    it('opens none any more, and still answers in JSON', async () => {
      server.hallpass.readiness.stop()
      const refused = await readFeed(server.url, api, undefined, STREAM)
      expectProblem(refused, 503, 'temporarily_unavailable')
      expect(refused.headers.get('retry-after')).to.match(/^[1-9]\d*$/)
      expect((await readFeed(server.url, api)).status).to.equal(200)
      await server.stop()
    })
  })
})
