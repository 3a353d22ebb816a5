import { expect } from 'chai'
import type { RevocationReason } from '../../src/protocol/errors.ts'
import { paths } from '../../src/protocol/paths.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { createAccessTokens } from '../../src/server/tokens/access-token.ts'
import { exchange, makeKey, makeServiceKey } from '../support/api-keys.ts'
import { withDatabaseAway } from '../support/database-traffic.ts'
import { askedToken, changeAddress, changePassword, NEW_PASSWORD, signInByLink, use } from '../support/email-flows.ts'
import { expectProblem } from '../support/expectations.ts'
import {
  aPersonInABrowser,
  aSignedInPerson,
  anAddress,
  callSessions,
  ORIGIN,
  PASSWORD,
  refresh,
  refreshByCookie,
  rotate,
  send,
  sendForm,
  signIn,
  signInByCookie,
  type SignedIn,
} from '../support/people.ts'
import { sendRawRequest } from '../support/raw-request.ts'
import { eventually, withStatement } from '../support/revocation-feed.ts'
import { HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores, onStore, startServer, type TestServer } from '../support/server.ts'
import { bearer, followSession, inCookie, readSessionEvents, type SessionFollower } from '../support/session-events.ts'
import { createSession } from '../support/sessions.ts'

/** What is told of, by the reason that the session ends with: one person does it, and `device` is theirs, too. */
type Ending = (server: TestServer, person: SignedIn, device: SignedIn) => Promise<unknown>

const ENDINGS = {
  signed_out: ({ url }, _, device) => callSessions(url, 'DELETE', '/current', device.accessToken),
  revoked_by_user: ({ url }, person, device) => callSessions(url, 'DELETE', `/${device.sessionId}`, person.accessToken),
  revoked_by_admin: ({ hallpass }, { userId }, { sessionId }) =>
    hallpass.sessions.revoke(userId, sessionId, 'revoked_by_admin', OPERATOR),
  password_changed: ({ url }, person) => changePassword(url, person.accessToken, PASSWORD, NEW_PASSWORD),
  password_reset: async ({ url }, { email }) =>
    use(url, 'reset', { token: await askedToken(url, 'reset', email), password: NEW_PASSWORD }),
  email_changed: ({ url }, person) => changeAddress(url, person, anAddress()),
  account_disabled: ({ hallpass }, { userId }) => hallpass.accounts.disable(userId, OPERATOR),
  account_deleted: ({ url }, { accessToken }) => send(`${url}/v1/users/me`, { method: 'DELETE', token: accessToken }),
  not_me: ({ hallpass }, { userId }, { sessionId }) => hallpass.sessions.revoke(userId, sessionId, 'not_me', OPERATOR),
  token_reuse: async (server, _, device) => {
    const [old] = await rotate(server.url, device, 2)
    await moveTimes(server, device, { rotated_at: -HOUR })
    await refresh(server.url, old)
  },
  replaced: async ({ url }, { email }, device) => signInByCookie(url, email, { headers: inCookie(device) }),
  session_limit: async (server, { userId }, device) => {
    await moveTimes(server, device, { last_used_at: -HOUR })
    for (let count = 0; count < server.config.maxSessions - 1; count += 1) {
      await createSession(server, userId, { passwordVersion: null })
    }
  },
} satisfies Partial<Record<RevocationReason, Ending>>

/** They end every session of the person. */
const OF_ALL: readonly string[] = ['password_reset', 'account_disabled', 'account_deleted']

describe('A stream of what happens to a session', () => {
  const followers: SessionFollower[] = []
  afterEach(() => {
    for (const follower of followers.splice(0)) follower.close()
  })
  const follow = async (url: string, headers: Record<string, string>): Promise<SessionFollower> => {
    const follower = await followSession(url, headers)
    followers.push(follower)
    return follower
  }
  const hasChanged = async (follower: SessionFollower, times = 1): Promise<void> =>
    follower.until(() => follower.changes() >= times)

  onBothStores((server) => {
    const another = async ({ email, userId }: SignedIn): Promise<SignedIn> => ({
      email,
      ...(await createSession(server(), userId, { passwordVersion: null })),
    })

    it('is for whoever has an access token, and for the browser that has the cookie', async () => {
      const app = await follow(server().url, bearer(await aSignedInPerson(server().url)))
      const page = await follow(server().url, inCookie(await aPersonInABrowser(server().url)))
      for (const { headers } of [app, page]) {
        expect(headers['content-type']).to.equal('text/event-stream; charset=utf-8')
        expect(headers['cache-control']).to.equal('no-store, no-transform')
        expect(headers['x-accel-buffering']).to.equal('no')
        expect(headers).not.to.have.property('set-cookie')
      }
    })

    describe('ends with the session, and says why:', () => {
      for (const [reason, end] of Object.entries<Ending>(ENDINGS)) {
        it(reason, async () => {
          const { url } = server()
          const isInBrowser = reason === 'replaced'
          const person = await aSignedInPerson(url)
          const device = isInBrowser ? await signInByCookie(url, person.email) : await another(person)
          const [ending, same, other] = [
            await follow(url, bearer(device)),
            await follow(url, isInBrowser ? inCookie(device) : bearer(device)),
            await follow(url, bearer(person)),
          ]
          await end(server(), person, device)
          for (const each of OF_ALL.includes(reason) ? [ending, same, other] : [ending, same]) {
            expect(await each.ended).to.equal('ended')
            expect(each.reasons).to.deep.equal([reason])
            expect(each.events.at(-1)).to.deep.equal({ event: 'ended', id: '', data: { reason } })
          }
          expectProblem(await send(url + paths.sessionEvents, { headers: bearer(device) }), 401, 'invalid_access_token')
          if (OF_ALL.includes(reason)) return
          await hasChanged(other)
          expect(other.reasons).to.deep.equal([])
        })
      }

      for (const [reason, column] of [
        ['expired_idle', 'idle_expires_at'],
        ['expired_absolute', 'absolute_expires_at'],
      ] as const) {
        it(reason, async () => {
          const person = await aPersonInABrowser(server().url)
          await moveTimes(server(), person, { [column]: 1 })
          const streams = [await follow(server().url, bearer(person)), await follow(server().url, inCookie(person))]
          for (const { ended, reasons, events } of streams) {
            expect(await ended).to.equal('ended')
            expect(reasons).to.deep.equal([reason])
            expect(events).to.have.length(1)
          }
        })
      }
    })

    it('tells also what happened between looking the session up and opening the stream', async () => {
      for (const headersOf of [bearer, inCookie]) {
        const person = await aPersonInABrowser(server().url)
        const name = headersOf === bearer ? 'sessions.find_live' : 'sessions.find_presented'
        let hasEnded = false
        const endMeanwhile = async (lookUp: () => Promise<unknown[]>): Promise<unknown[]> => {
          const rows = await lookUp()
          if (hasEnded) return rows
          hasEnded = true
          await server().hallpass.sessions.revoke(person.userId, person.sessionId, 'not_me', OPERATOR)
          const api = await makeServiceKey(server(), 'revocations:read')
          const { body } = await exchange(server().url, api)
          const feed = await send(`${server().url}${paths.revocations}`, { token: body.access_token })
          expect(JSON.stringify(feed.body), 'the feed has read it').to.include(person.sessionId)
          return rows
        }
        await withStatement(server(), name, endMeanwhile, async () => {
          const follower = await follow(server().url, headersOf(person))
          expect(await follower.ended).to.equal('ended')
          expect(follower.reasons).to.deep.equal(['not_me'])
        })
      }
    })

    it('tells when another session of the person begins, in whichever way', async () => {
      const { url, hallpass } = server()
      const person = await aSignedInPerson(url)
      const { email } = person
      await use(url, 'confirm', { token: await askedToken(url, 'confirm', email, 1) })
      const follower = await follow(url, bearer(person))
      for (const [index, begin] of [
        () => signIn(url, email),
        () => signInByCookie(url, email),
        async () => signInByLink(url, await askedToken(url, 'magic', email)),
      ].entries()) {
        await begin()
        await hasChanged(follower, index + 1)
      }
      expect(follower.reasons).to.deep.equal([])

      const subject = { subject: email, amr: ['pwd'] }
      const { tokens } = await hallpass.startForSubject(subject)
      const subjects = await follow(url, bearer(tokens))
      await hallpass.startForSubject(subject)
      await hasChanged(subjects)
    })

    it('tells when a session is renamed: another one, or this one elsewhere', async () => {
      const person = await aSignedInPerson(server().url)
      const device = await another(person)
      const follower = await follow(server().url, bearer(person))
      for (const [index, { sessionId }] of [device, person].entries()) {
        const body = { device_name: 'Kitchen tablet' }
        expect((await callSessions(server().url, 'PATCH', `/${sessionId}`, device.accessToken, body)).status).to.equal(
          200,
        )
        await hasChanged(follower, index + 1)
      }
    })

    it('tells nothing of a sign-in that was undone, or a session that there is not', async () => {
      const person = await aSignedInPerson(server().url)
      const { sessions, store } = server().hallpass
      const follower = await follow(server().url, bearer(person))
      const undone = store.database.transaction(async (tx) => {
        await tx.query(
          { name: 'test.begin', text: 'select 1', announces: 'hallpass_sessions', about: () => person.userId },
          [],
        )
        throw new Error('undone')
      })
      expect(await undone.catch((error: Error) => error.message)).to.equal('undone')
      expect(await sessions.rename(person.userId, '01a20237-29de-758a-8265-ee01cc71b1eb', 'x')).to.equal(null)
      await another(person)
      await hasChanged(follower)
      expect(follower.changes()).to.equal(1)
    })

    it('tells nobody of the sessions of others, and nobody any secret', async () => {
      const [ada, grace] = [await aPersonInABrowser(server().url), await aPersonInABrowser(server().url)]
      const [adas, graces] = [await follow(server().url, bearer(ada)), await follow(server().url, inCookie(grace))]
      const device = await another(grace)
      await hasChanged(graces)
      await callSessions(server().url, 'PATCH', '/current', device.accessToken, { device_name: 'Secret name' })
      await callSessions(server().url, 'DELETE', '/current', grace.accessToken)
      await graces.ended
      await another(ada)
      await hasChanged(adas)
      expect(adas.events).to.deep.equal([{ event: 'sessions_changed', id: '', data: {} }])
      expect(adas.text).to.match(/^retry: \d{4}\n\nevent: sessions_changed\ndata: \{\}\n\n$/)
      for (const { email, userId, sessionId, accessToken, refreshToken } of [grace, { ...device, email: 'Secret' }]) {
        for (const secret of [email, userId, sessionId, accessToken, refreshToken])
          expect(graces.text).not.to.include(secret)
      }
    })

    it('changes nothing: the cookie is not rotated, and the session not extended', async () => {
      const person = await aPersonInABrowser(server().url)
      const before = await rowOf(server(), person)
      await follow(server().url, inCookie(person))
      expect(await rowOf(server(), person)).to.deep.equal(before)
      const next = await refreshByCookie(server().url, person.refreshToken)
      expect(next.status).to.equal(200)
      await follow(server().url, inCookie(person)) // the one before the newest, as in a tab that was faster
    })

    describe('is refused', () => {
      const ask = (headers: Record<string, string>, query = '') =>
        send(server().url + paths.sessionEvents + query, { headers })

      it('to whoever sends nothing, or puts it into the URL', async () => {
        const { accessToken } = await aSignedInPerson(server().url)
        for (const query of ['', `?access_token=${accessToken}`, `?token=${accessToken}`]) {
          const refused = await ask({}, query)
          expectProblem(refused, 401, 'invalid_access_token')
          expect(refused.headers.get('www-authenticate')).to.equal('Bearer')
        }
      })

      it('to what is no credential of a live session', async () => {
        const [app, page, ended] = [
          await aSignedInPerson(server().url),
          await aPersonInABrowser(server().url),
          await aPersonInABrowser(server().url),
        ]
        await callSessions(server().url, 'DELETE', '/current', ended.accessToken)
        const key = await makeKey(server().url, app.accessToken)
        const { body } = await exchange(server().url, key)
        for (const headers of [
          { authorization: 'Bearer x' },
          { authorization: 'Basic eDp5' },
          bearer({ accessToken: body.access_token }),
          bearer(ended),
          inCookie(ended),
          inCookie(app),
          inCookie({ refreshToken: '' }),
          inCookie({ refreshToken: 'hprt_' }),
          { cookie: `hallpass=${page.refreshToken}; hallpass=${page.refreshToken}` },
          { ...bearer({ accessToken: 'x' }), ...inCookie(page) },
        ]) {
          const refused = await ask(headers)
          expectProblem(refused, 401, 'invalid_access_token')
          expect(refused.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
        }
      })

      it('to a page of another origin that comes with the cookie', async () => {
        const page = await aPersonInABrowser(server().url)
        for (const headers of [
          { 'sec-fetch-site': 'cross-site' },
          { 'sec-fetch-site': 'cross-site', origin: ORIGIN },
          { 'sec-fetch-site': 'same-site' },
          { 'sec-fetch-site': 'same-site', origin: 'https://evil.example' },
          { origin: 'https://evil.example' },
          { origin: 'null' },
        ]) {
          expectProblem(await ask({ ...inCookie(page), ...(headers as object) }), 403, 'origin_not_allowed')
        }
      })

      it('by any other method; HEAD has no stream to wait for', async () => {
        const person = await aSignedInPerson(server().url)
        expectProblem(
          await send(server().url + paths.sessionEvents, { method: 'POST', token: person.accessToken }),
          405,
          'method_not_allowed',
        )
        const head = { method: 'HEAD', path: paths.sessionEvents }
        const { status, headers, text } = await sendRawRequest(server().url, { ...head, headers: bearer(person) })
        expect({ status, text }).to.deep.equal({ status: 200, text: '' })
        expect(headers['content-type']).to.match(/^text\/event-stream/)
        expect((await sendRawRequest(server().url, head)).status).to.equal(401)
      })

      it('with 503 while the database is away', async () => {
        const page = await aPersonInABrowser(server().url)
        await withDatabaseAway(server(), async () => {
          for (const headers of [bearer(page), inCookie(page)])
            expectProblem(await ask(headers), 503, 'temporarily_unavailable')
        })
      })
    })

    it('is opened by the cookie from its own pages, allowed origins, and what is no browser', async () => {
      const page = await aPersonInABrowser(server().url)
      for (const headers of [
        {},
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
        { 'sec-fetch-site': 'same-site', origin: ORIGIN },
        { origin: ORIGIN },
      ]) {
        await follow(server().url, { ...inCookie(page), ...(headers as object) })
      }
    })

    it('is opened by the access token where there is a cookie, too', async () => {
      const [app, page] = [await aSignedInPerson(server().url), await aPersonInABrowser(server().url)]
      const both = { ...bearer(app), ...inCookie(page), 'sec-fetch-site': 'cross-site' }
      const follower = await follow(server().url, both)
      await callSessions(server().url, 'DELETE', '/current', page.accessToken)
      await callSessions(server().url, 'DELETE', '/current', app.accessToken)
      expect(await follower.ended).to.equal('ended')
      expect(follower.events).to.have.length(1)
    })
  })

  onStore('postgresql', (server) => {
    it('may be read by pages of allowed origins, and by no others', async () => {
      const person = await aPersonInABrowser(server().url)
      const allowed = await follow(server().url, { ...inCookie(person), origin: ORIGIN })
      expect(allowed.headers).to.include({
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-credentials': 'true',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
      })
      expect(allowed.headers.vary).to.match(/\borigin\b/i)
      const other = await follow(server().url, { ...bearer(person), origin: 'https://evil.example' })
      expect(Object.keys(other.headers).filter((name) => name.startsWith('access-control'))).to.deep.equal([])
      const preflight = await sendRawRequest(server().url, {
        method: 'OPTIONS',
        path: paths.sessionEvents,
        headers: {
          origin: ORIGIN,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        },
      })
      expect(preflight.status).to.equal(204)
      expect(preflight.headers['access-control-allow-headers']).to.match(/authorization/i)
    })

    it('outlives the access token that it was opened with', async () => {
      const { issuer, audience, accessTtl } = server().config
      const person = await aSignedInPerson(server().url)
      const accessTokens = createAccessTokens({ issuer, audience, ttl: accessTtl, keys: server().hallpass.keys })
      const { accessToken } = await accessTokens.issue({
        userId: person.userId,
        sessionId: person.sessionId,
        clientId: 'default',
        scope: '',
        amr: ['pwd'],
        claims: {},
        authenticatedAt: new Date(),
        now: new Date(Date.now() - 60_000),
        endsAt: new Date(Date.now() - 6_000), // as our endpoints see it, it lives for ten seconds more
      })
      const follower = await follow(server().url, bearer({ accessToken }))
      await eventually(async () => (await callSessions(server().url, 'GET', '', accessToken)).status === 401)
      await callSessions(server().url, 'DELETE', '/current', person.accessToken)
      expect(await follower.ended).to.equal('ended')
      expect(follower.reasons).to.deep.equal(['signed_out'])
    })

    it('is the newest of twenty of a session, and of a hundred of a person: the oldest makes room, and comes later', async () => {
      const { url } = server()
      const person = await aSignedInPerson(url)
      const sessions = await Promise.all(
        Array.from({ length: 5 }, () => createSession(server(), person.userId, { passwordVersion: null })),
      )
      const streams: SessionFollower[] = []
      for (const session of sessions) {
        for (let count = 0; count < 20; count += 1) streams.push(await follow(url, bearer(session)))
      }
      const [first, second] = streams as [SessionFollower, SessionFollower]
      const ofSession = await follow(url, bearer(sessions[0] as SignedIn))
      expect(await first.ended).to.equal('ended')
      expect(first.text).to.match(/retry: 60000\n\n$/)
      const ofPerson = await follow(url, bearer(person))
      expect(await second.ended).to.equal('ended')

      expect(await server().hallpass.accounts.disable(person.userId, OPERATOR)).to.equal(true)
      for (const each of [...streams.slice(2), ofSession, ofPerson]) {
        await each.ended
        expect(each.reasons).to.deep.equal(['account_disabled'])
      }
      for (const { reasons } of [first, second]) expect(reasons).to.deep.equal([])
    })
  })

  describe('of a server that stops', () => {
    it('ends in good order, and no other is opened', async () => {
      const server = await startServer('embedded')
      const person = await aPersonInABrowser(server.url)
      const streams = [await follow(server.url, bearer(person)), await follow(server.url, inCookie(person))]
      server.hallpass.readiness.stop()
      for (const { ended } of streams) expect(await ended).to.equal('ended')
      const refused = await readSessionEvents(server.url, bearer(person))
      expect(refused.status).to.equal(503)
      expect(refused.headers['retry-after']).to.match(/^[1-9]\d*$/)
      await sendForm(`${server.url}/oauth/revoke`, {}, { ...inCookie(person), origin: ORIGIN })
      await server.stop()
    })
  })
})
