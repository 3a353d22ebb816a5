import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { ServerResponse } from 'node:http'
import { statement } from '../../src/server/database/database.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { recordEvent } from '../../src/server/users/account.ts'
import { pruneDeliveries } from '../../src/server/webhooks/delivery-log.ts'
import { sharedMailServer } from '../support/mail.ts'
import { aSignedInPerson, callSessions, register, send, signIn, type SignedIn } from '../support/people.ts'
import { DAY, HOUR } from '../support/rows.ts'
import { onBothStores } from '../support/server.ts'
import {
  ageWebhook,
  createWebhook,
  makeDue,
  operate,
  startReceiver,
  verify,
  type Received,
  type Receiver,
} from '../support/webhooks.ts'

const NOBODY = '01890a5d-ac96-774b-bcce-b302099a8057'

describe('Webhooks', () => {
  onBothStores((server) => {
    const receivers: Receiver[] = []
    const webhooks: string[] = []
    let receiver: Receiver
    let person: SignedIn

    before(async () => {
      person = await aSignedInPerson(server().url)
    })
    beforeEach(async () => {
      receiver = await aReceiver()
    })
    afterEach(async () => {
      for (const id of webhooks.splice(0)) await server().hallpass.webhooks.delete(id)
      await Promise.all(receivers.splice(0).map((each) => each.stop()))
    })

    async function aReceiver(): Promise<Receiver> {
      const started = await startReceiver()
      receivers.push(started)
      return started
    }
    async function aWebhook(url = receiver.url, ...options: string[]): Promise<{ id: string; secret: string }> {
      const created = await createWebhook(server(), url, ...options)
      webhooks.push(created.id)
      return created
    }
    const run = (): Promise<void> => server().hallpass.posting.run()
    const prune = (): Promise<void> => pruneDeliveries(server().hallpass.store.database, new AbortController().signal)
    const command = (...argv: string[]): Promise<string> => operate(server(), ...argv)
    const refusal = (...argv: string[]): Promise<string> =>
      command(...argv).then(
        () => 'nothing was refused',
        (error: Error) => error.message,
      )
    const logOf = (id: string) => server().hallpass.webhooks.deliveries(id, { since: null, failedOnly: false })

    /** One event of the type `session.revoked`. */
    async function endSession(device?: SignedIn): Promise<SignedIn> {
      const ended = device ?? (await signIn(server().url, person.email))
      await callSessions(server().url, 'DELETE', '/current', ended.accessToken)
      return ended
    }
    /** One event of the type `user.enabled`, as cheap as it can be. @returns the id that it is about */
    async function happen(): Promise<{ sessionId: string }> {
      const sessionId = randomUUID()
      const { database } = server().hallpass.store
      await database.transaction((tx) => recordEvent(tx, person.userId, 'user.enabled', OPERATOR, sessionId))
      return { sessionId }
    }
    const idsOf = (received: readonly Received[]): string[] => received.map(({ id }) => id)

    /** It was given up, after every attempt that there is. */
    async function giveUp(id: string): Promise<void> {
      await makeDue(server(), id, 9)
      await run()
    }

    describe('a receiver', () => {
      it('is told what happened, signed in the way of Standard Webhooks', async () => {
        const { secret } = await aWebhook(receiver.url, '--events', 'session.revoked')
        const ended = await endSession()
        await run()
        const [received] = await receiver.has(1)
        if (received === undefined) throw new Error('nothing came')
        verify(secret, received)
        expect(received.headers['content-type']).to.equal('application/json')
        const { type, timestamp, data } = received.message
        expect(type).to.equal('session.revoked')
        expect(new Date(timestamp).toISOString()).to.equal(timestamp)
        expect(data).to.deep.equal({
          user_id: ended.userId,
          session_id: ended.sessionId,
          reason: 'signed_out',
          subtype: null,
          actor: 'user',
          actor_id: null,
          actor_session_id: ended.sessionId,
          ip: '127.0.0.1',
          details: {},
        })
      })

      it('finds a changed message, another secret and an old one out', async () => {
        const { secret } = await aWebhook()
        const other = await aWebhook()
        await endSession()
        await run()
        const [received] = (await receiver.has(1)).filter((each) => isBy(secret, each))
        if (received === undefined) throw new Error('nothing came')
        expect(isBy(other.secret, received)).to.equal(false)
        expect(isBy(secret, { ...received, body: received.body.replace('"user"', '"admin"') })).to.equal(false)
        const old = { ...received.headers, 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - HOUR) }
        expect(isBy(secret, { ...received, headers: old })).to.equal(false)
      })

      it('gets everything, or what was asked for', async () => {
        const some = await aReceiver()
        await aWebhook(receiver.url)
        await aWebhook(some.url, '--events', 'session.revoked, user.disabled')
        const stranger = await endSession(await aSignedInPerson(server().url))
        await server().hallpass.accounts.disable(stranger.userId, OPERATOR)
        await run()
        await Promise.all([receiver.has(4), some.has(2)])
        const typesOf = ({ received }: Receiver) => received.map(({ message }) => message.type).sort()
        expect(typesOf(receiver)).to.deep.equal(['session.created', 'session.revoked', 'user.created', 'user.disabled'])
        expect(typesOf(some)).to.deep.equal(['session.revoked', 'user.disabled'])
        const disabled = some.received.find(({ message }) => message.type === 'user.disabled')
        expect(disabled?.message.data).to.include({ user_id: stranger.userId, actor: 'admin', session_id: null })
      })

      it('hears nothing of a decision that was rolled back', async () => {
        const { id } = await aWebhook()
        const { database } = server().hallpass.store
        const failed = database.transaction(async (tx) => {
          await recordEvent(tx, person.userId, 'user.password_changed', OPERATOR)
          throw new Error('changed its mind')
        })
        expect(await failed.catch((error: Error) => error.message)).to.equal('changed its mind')
        expect(await server().hallpass.webhooks.countWaiting(id)).to.equal(0)
      })

      it('is pinged by an operator, and answers in words of its own', async () => {
        const { id, secret } = await aWebhook(receiver.url, '--events', 'user.deleted')
        receiver.answer = (_request, response) => response.writeHead(202).end('x'.repeat(100_000))
        const [, eventId] = /^sending ping (\S+);/.exec(await command('test', id)) ?? []
        await run()
        const [ping] = receiver.received
        if (ping === undefined) throw new Error('nothing came')
        verify(secret, ping)
        expect(ping.message).to.deep.include({ type: 'ping', data: {} })
        expect(ping.id).to.equal(eventId)
        expect(await command('deliveries', id)).to.match(
          new RegExp(`^\\S+Z  ${eventId}  ping  attempt 1  delivered 202  \\d+ ms\n$`),
        )
      })
    })

    describe('a receiver that fails', () => {
      it('gets the same message again, after growing delays, until it is given up', async () => {
        const { id, secret } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 500
        await happen()
        for (let attempt = 0; attempt < 10; attempt += 1) {
          await run()
          await makeDue(server(), id)
        }
        await run()
        expect(receiver.received).to.have.lengthOf(10)
        expect(new Set(idsOf(receiver.received)).size).to.equal(1)
        expect(new Set(receiver.received.map(({ body }) => body)).size).to.equal(1)
        for (const received of receiver.received) verify(secret, received)

        const log = (await logOf(id)).reverse()
        expect(log.map(({ attempt, status, failure }) => [attempt, status, failure])).to.deep.equal(
          Array.from({ length: 10 }, (_, index) => [index + 1, 500, 'status']),
        )
        const delays = log.map(({ at, nextAttemptAt }) =>
          nextAttemptAt === null ? null : (nextAttemptAt.getTime() - at.getTime()) / 1000,
        )
        const expected = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
        expect(delays.at(-1)).to.equal(null)
        for (const [index, seconds] of expected.entries()) {
          expect(delays[index]).to.be.within(seconds * 0.79, seconds * 1.21)
        }
        expect(await command('deliveries', id, '--failed')).to.match(
          /attempt 10 {2}failed status 500 {2}\d+ ms {2}given up/,
        )
        expect(await server().hallpass.webhooks.countWaiting(id)).to.equal(0)
      })

      it('is no longer called when it answers 410', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 410
        await happen()
        await run()
        expect(await command('list')).to.match(new RegExp(`^${id}  disabled \\(gone\\) since`, 'm'))
        await happen()
        await run()
        expect(receiver.received).to.have.lengthOf(1)
        expect(await server().hallpass.webhooks.countWaiting(id)).to.equal(0)
        expect(await refusal('test', id)).to.include(`hallpass webhooks enable ${id}`)
        const before = await command('list')
        await command('disable', id)
        expect(await command('list'), 'since when is what counts').to.equal(before)
      })

      it('is not followed to where it redirects', async () => {
        const elsewhere = await aReceiver()
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = (_request, response) => response.writeHead(307, { location: elsewhere.url }).end()
        await happen()
        await run()
        expect((await logOf(id)).map(({ status, failure }) => [status, failure])).to.deep.equal([[307, 'redirect']])
        expect(elsewhere.received).to.be.empty
      })

      it('is tried again when nobody answers there', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        await receiver.stop()
        await happen()
        await run()
        const [attempt] = await logOf(id)
        expect(attempt).to.include({ status: null, failure: 'ECONNREFUSED', attempt: 1 })
        expect(attempt?.nextAttemptAt).to.be.an.instanceOf(Date)
        expect(await command('list')).to.match(new RegExp(`^${id}  failing since`, 'm'))
      })

      it('gets it again, with the same id, from whoever goes on after a process that died before the answer', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        const unanswered: ServerResponse[] = []
        receiver.answer = (_request, response) => void unanswered.push(response)
        await happen()
        const first = run()
        await receiver.has(1)
        receiver.answer = 204
        await makeDue(server(), id) // its lease is over
        const second = run()
        const [before, after] = await receiver.has(2)
        for (const response of unanswered) response.writeHead(500).end()
        await Promise.all([first, second])
        expect(after?.id).to.equal(before?.id)
        expect((await logOf(id)).map(({ attempt, failure }) => [attempt, failure])).to.deep.equal([[2, null]])
        expect(await server().hallpass.webhooks.countWaiting(id)).to.equal(0)
      })

      it('holds up no other, and no mail, when it is slow', async () => {
        const slow = await aReceiver()
        await aWebhook(slow.url, '--events', 'user.enabled')
        await aWebhook(receiver.url, '--events', 'user.enabled')
        const held: ServerResponse[] = []
        slow.answer = (_request, response) => void held.push(response)
        for (let count = 0; count < 6; count += 1) await happen()
        const email = await register(server().url)
        const running = run()
        await Promise.all([receiver.has(6), slow.has(4)])
        await (await sharedMailServer()).mailTo(email)
        expect(slow.received, 'so many at once and no more').to.have.lengthOf(4)
        slow.answer = 204
        for (const response of held) response.writeHead(204).end()
        await running
        expect(new Set(idsOf(await slow.has(6))).size).to.equal(6)
      })

      it('is disabled when nothing has arrived for five days', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 503
        await happen()
        await run()
        await ageWebhook(server(), id, 4 * DAY)
        await giveUp(id)
        expect(await command('show', id)).to.match(/state +failing since/)
        await happen()
        await run()
        await ageWebhook(server(), id, 2 * DAY)
        await giveUp(id)
        expect(await command('show', id)).to.match(/state +disabled \(failing\) since/)
      })

      it('is not disabled when something arrived in between', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 503
        await happen()
        await run()
        await ageWebhook(server(), id, 6 * DAY)
        receiver.answer = 204
        await makeDue(server(), id)
        await run()
        receiver.answer = 503
        await happen()
        await run()
        await giveUp(id)
        expect(await command('show', id)).to.match(/state +failing since/)
      })
    })

    describe('an operator', () => {
      it('sees the secret once, and the query of a URL only when asked for all of it', async () => {
        const { id, secret } = await aWebhook(`${receiver.url}?key=hunter2`, '--description', 'the warehouse')
        expect(secret).to.match(/^whsec_[A-Za-z0-9+/]{43}=$/)
        const shown = await command('show', id)
        const listed = await command('list')
        expect(shown)
          .to.include('key=hunter2')
          .and.to.include('the warehouse')
          .and.to.match(/events +all/)
        expect(listed).to.include(`${receiver.url}?…  the warehouse`).and.not.to.include('hunter2')
        for (const output of [shown, listed]) expect(output).not.to.include('whsec_')
      })

      it('cannot have it sent in the clear, nowhere, or for events that there are none of', async () => {
        expect(await refusal('create', 'http://receiver.example/hooks?key=hunter2'))
          .to.include('https')
          .and.not.to.include('hunter2')
        expect(await refusal('create', 'http://localhost.evil.example/')).to.include('https')
        expect(await refusal('create', 'ftp://localhost/')).to.include('https')
        expect(await refusal('create', 'receiver')).to.include('no URL')
        expect(await refusal('create', 'https://user:hunter2@receiver.example/'))
          .to.include('leave out')
          .and.not.to.include('hunter2')
        expect(await refusal('create', receiver.url, '--events', 'session.revokd'))
          .to.include('session.revokd')
          .and.to.include('session.revoked')
        expect(await refusal('create', receiver.url, '--events', 'session.revoked,')).to.include('commas')
      })

      it('is told when there is no such webhook, or what to say', async () => {
        for (const name of ['show', 'disable', 'enable', 'delete', 'rotate-secret', 'deliveries', 'test']) {
          expect(await refusal(name, NOBODY), name).to.include('hallpass webhooks list')
          expect(await refusal(name, 'nobody'), name).to.include('It is not an id')
        }
        const { id } = await aWebhook()
        expect(await refusal('replay', NOBODY, '--failed')).to.include('hallpass webhooks list')
        expect(await refusal('replay', id)).to.include('--event')
        expect(await refusal('replay', id, '--event', NOBODY, '--since', '2h')).to.include('either')
        expect(await refusal('replay', id, '--event', NOBODY)).to.include('no such event')
        for (const since of ['yesterday', '2026-03-04T14:00', '2026-13-04T14:00:00Z', '2y']) {
          expect(await refusal('replay', id, '--since', since), since).to.include('It is no time')
        }
      })

      it('disables it and enables it; what happened meanwhile is sent by a replay', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 500
        const waiting = await happen()
        await run()
        await command('disable', id)
        receiver.answer = 204
        const missed = await happen()
        await makeDue(server(), id)
        await run()
        expect(receiver.received).to.have.lengthOf(1)
        expect(await refusal('replay', id, '--since', '1h')).to.include(`hallpass webhooks enable ${id}`)

        const [, since] = /--since (\S+)/.exec(await command('enable', id)) ?? []
        await run()
        expect(sessionsIn(receiver.received.slice(1))).to.deep.equal([waiting.sessionId])
        expect(await command('replay', id, '--since', since ?? '')).to.equal('sending 1 again\n')
        await run()
        expect(sessionsIn(receiver.received.slice(2))).to.deep.equal([missed.sessionId])
      })

      it('deletes it, and with it what waits', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 500
        await happen()
        await run()
        await command('delete', id)
        await makeDue(server(), id)
        await happen()
        await run()
        expect(receiver.received).to.have.lengthOf(1)
        await prune()
        expect(await server().hallpass.webhooks.countWaiting(id)).to.equal(0)
      })

      it('changes the secret, with a day in which both are good', async () => {
        const { id, secret } = await aWebhook(receiver.url, '--events', 'user.enabled')
        const [, second = ''] = /^secret {2}(\S+)\n$/.exec(await command('rotate-secret', id)) ?? []
        await happen()
        await run()
        await ageWebhook(server(), id, 25 * HOUR)
        await happen()
        await run()
        const [, third = ''] = /^secret {2}(\S+)\n$/.exec(await command('rotate-secret', id, '--now')) ?? []
        await happen()
        await run()
        const good = receiver.received.map((each) => [secret, second, third].map((one) => isBy(one, each)))
        expect(good).to.deep.equal([
          [true, true, false],
          [false, true, false],
          [false, false, true],
        ])
      })

      it('replays one event, all since a time, or what was given up, each with its id', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        receiver.answer = 500
        const lost = await happen()
        await run()
        await giveUp(id)
        receiver.answer = 204
        await happen()
        await run()
        const [first = '', , second = ''] = idsOf(receiver.received)
        receiver.received.length = 0

        expect(await command('replay', id, '--failed')).to.equal('sending 1 again\n')
        await run()
        expect(sessionsIn(receiver.received)).to.deep.equal([lost.sessionId])
        expect(await command('replay', id, '--failed')).to.equal('sending 0 again\n')

        expect(await command('replay', id, '--event', second)).to.equal(`sending ${second} again\n`)
        await run()
        expect(idsOf(receiver.received)).to.deep.equal([first, second])

        const [{ at } = { at: new Date() }] = await eventsSince(0)
        const count = (await eventsSince(at.getTime())).length
        expect(await command('replay', id, '--since', '2h')).to.equal(`sending ${count} again\n`)
        await run()
        expect(receiver.received).to.have.lengthOf(count + 2)
        expect(idsOf(receiver.received)).to.include.members([first, second])
      })

      it('replays an event that was never tried here, and one that waits only once', async () => {
        const ended = await happen()
        const { id } = await aWebhook(receiver.url, '--events', 'user.deleted')
        const event = (await eventsSince(0)).at(-1)?.id ?? ''
        receiver.answer = 500
        for (let count = 0; count < 2; count += 1) await command('replay', id, '--event', event)
        await run()
        await command('replay', id, '--event', event)
        expect(await server().hallpass.webhooks.countWaiting(id)).to.equal(1)
        receiver.answer = 204
        await run()
        expect(sessionsIn(receiver.received)).to.deep.equal([ended.sessionId, ended.sessionId])
        expect((await logOf(id)).map(({ attempt }) => attempt)).to.deep.equal([1, 1])
      })

      it('finds attempts of the last thirty days', async () => {
        const { id } = await aWebhook(receiver.url, '--events', 'user.enabled')
        await happen()
        await run()
        expect(await command('deliveries', id, '--failed')).to.equal('')
        await ageWebhook(server(), id, 29 * DAY)
        await prune()
        expect(await command('deliveries', id)).to.include('delivered 204')
        expect(await command('deliveries', id, '--since', '28d')).to.equal('')
        await ageWebhook(server(), id, 2 * DAY)
        await prune()
        expect(await command('deliveries', id)).to.equal('')
      })
    })

    it('keep no secret that could be used, and none in what waits', async () => {
      const { id, secret } = await aWebhook()
      await happen()
      const { database } = server().hallpass.store
      const read = statement<{ text: string }>(
        'test.everything',
        `select (select to_jsonb(webhooks) from webhooks where id = $1::uuid)::text
           || coalesce((select string_agg(payload::text, '') from outbox), '') as text`,
      )
      const [row] = await database.query(read, [id])
      const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64')
      for (const form of [secret, bytes.toString('hex'), bytes.toString('base64')])
        expect(row?.text).not.to.include(form)
    })

    it('cost no answer when the receiver is gone', async () => {
      await aWebhook()
      await receiver.stop()
      expect((await send(`${server().url}/v1/sessions`, { token: person.accessToken })).status).to.equal(200)
      expect((await signIn(server().url, person.email)).userId).to.equal(person.userId)
    })

    const eventsSince = (time: number): Promise<{ id: string; at: Date }[]> =>
      server().hallpass.store.database.query(
        statement<{ id: string; at: Date }>(
          'test.enabled_events',
          `select id, created_at as at from events
           where type = 'user.enabled' and created_at >= $1::timestamptz order by created_at`,
        ),
        [new Date(time)],
      )
  })
})

const sessionsIn = (received: readonly Received[]): unknown[] =>
  received.map(({ message }) => message.data['session_id'])

function isBy(secret: string, received: Received): boolean {
  try {
    verify(secret, received)
    return true
  } catch {
    return false
  }
}
