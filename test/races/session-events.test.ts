import { expect } from 'chai'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { aSignedInPerson, callSessions, signIn, type SignedIn } from '../support/people.ts'
import { onTwoProcesses, runCli, startProcess } from '../support/processes.ts'
import { eventually } from '../support/revocation-feed.ts'
import { bearer, followSession, readSessionEvents, type SessionFollower } from '../support/session-events.ts'
import { createSession, createUser } from '../support/sessions.ts'

describe('Those who follow their session', function () {
  this.timeout(90_000)

  onTwoProcesses((service) => {
    const followers: SessionFollower[] = []
    afterEach(() => {
      for (const follower of followers.splice(0)) follower.close()
    })
    const follow = async (url: string, session: Pick<SignedIn, 'accessToken'>): Promise<SessionFollower> => {
      const follower = await followSession(url, bearer(session))
      followers.push(follower)
      return follower
    }
    const cutListeners = () =>
      service().sql.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'hallpass listener'`,
      )

    it('hear at one process what was done at the other: a sign-in, a name, an end', async () => {
      const person = await aSignedInPerson(service().url(0))
      const both = [await follow(service().url(0), person), await follow(service().url(1), person)]
      const heard = async (times: number): Promise<void> => {
        for (const follower of both) await follower.until(() => follower.changes() === times)
      }
      const device = await signIn(service().url(1), person.email)
      await heard(1)
      await callSessions(service().url(0), 'PATCH', '/current', device.accessToken, { device_name: 'Tablet' })
      await heard(2)
      await callSessions(service().url(1), 'DELETE', '/current', device.accessToken)
      await heard(3)
      await callSessions(service().url(0), 'DELETE', '/current', person.accessToken)
      for (const { ended, reasons } of both) {
        expect(await ended).to.equal('ended')
        expect(reasons).to.deep.equal(['signed_out'])
      }
    })

    it('hear what an operator does on the command line', async () => {
      const person = await aSignedInPerson(service().url(0))
      const both = [await follow(service().url(0), person), await follow(service().url(1), person)]
      const { code, output } = await runCli(service().databaseUrl, ['users', 'disable', person.email])
      expect(code, output).to.equal(0)
      for (const { ended, reasons } of both) {
        expect(await ended).to.equal('ended')
        expect(reasons).to.deep.equal(['account_disabled'])
      }
    })

    it('are told to look again when the connection that listens was cut, and hear the next change', async () => {
      const person = await aSignedInPerson(service().url(0))
      const stranger = await aSignedInPerson(service().url(1))
      const all = [
        await follow(service().url(0), person),
        await follow(service().url(1), person),
        await follow(service().url(1), stranger),
      ]
      for (let round = 0; round < 3; round += 1) {
        const before = all.map((follower) => follower.changes())
        expect(await cutListeners()).to.have.length.above(1)
        for (const [index, follower] of all.entries())
          await follower.until(() => follower.changes() > (before[index] ?? 0))
      }
      await callSessions(service().url(0), 'DELETE', '/current', person.accessToken)
      expect(await all[1]?.ended).to.equal('ended')
      expect(all[1]?.reasons).to.deep.equal(['signed_out'])
      expect(all[2]?.reasons).to.deep.equal([])
    })

    it('are told of an end whose every word was lost', async () => {
      const person = await aSignedInPerson(service().url(0))
      const follower = await follow(service().url(0), person)
      // No entry in the feed, no notification: as if it had come and gone while nobody could read.
      await service().sql.query(
        `update sessions set revoked_at = clock_timestamp(), revoked_reason = 'revoked_by_admin' where id = $1`,
        [person.sessionId],
      )
      await cutListeners()
      expect(await follower.ended).to.equal('ended')
      expect(follower.reasons).to.deep.equal(['revoked_by_admin'])
    })

    it('are refused or told, and never left waiting, when the session ends just while the stream opens', async () => {
      const userId = await createUser(service().aside)
      let refused = 0
      let told = 0
      for (let round = 0; round < 150; round += 1) {
        const session = await createSession(service().aside, userId)
        const opening = readSessionEvents(service().url(round), bearer(session))
        const pause = (round % 30) / 3
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
        const ending = service().aside.hallpass.sessions.revoke(userId, session.sessionId, 'not_me', OPERATOR)
        const [follower] = await Promise.all([opening, ending])
        if (follower.status === 401) refused += 1
        else {
          expect(await follower.ended).to.equal('ended')
          expect(follower.reasons).to.deep.equal(['not_me'])
          told += 1
        }
        follower.close()
      }
      expect(refused + told).to.equal(150)
      expect(told, 'some of them had opened').to.be.above(0)
    })

    it('miss no change in a storm of sign-ins at both processes', async () => {
      const [ada, grace] = [await createUser(service().aside), await createUser(service().aside)]
      const sessions = [await createSession(service().aside, ada), await createSession(service().aside, grace)]
      const streams = await Promise.all(
        sessions.flatMap((session) => [follow(service().url(0), session), follow(service().url(1), session)]),
      )
      const live = async (session: Pick<SignedIn, 'accessToken'>): Promise<number> => {
        const { body } = await callSessions(service().url(0), 'GET', '', session.accessToken)
        return (body['sessions'] as unknown[]).length
      }
      // Each follower lists again whenever it is told to, and so ends with what there is.
      const known = streams.map(() => 0)
      const listing = streams.map(async (follower, index) => {
        for (let seen = 0; known[index] !== 31;) {
          await follower.until(() => follower.changes() > seen)
          seen = follower.changes()
          known[index] = await live(sessions[index < 2 ? 0 : 1] as SignedIn)
        }
      })
      await Promise.all(
        [ada, grace].flatMap((account) =>
          Array.from({ length: 5 }, async () => {
            for (let turn = 0; turn < 6; turn += 1) await createSession(service().aside, account)
          }),
        ),
      )
      await Promise.all(listing)
    })

    it('are let go by a process that stops, and go on at another', async () => {
      const stopping = await startProcess(service().databaseUrl)
      const person = await aSignedInPerson(service().url(0))
      const follower = await follow(stopping.url, person)
      expect(await stopping.stop()).to.equal(0)
      expect(await follower.ended).to.equal('ended')
      expect(follower.reasons).to.deep.equal([])
      const next = await follow(service().url(1), person)
      await signIn(service().url(0), person.email)
      await next.until(() => next.changes() === 1)
    })

    it('are not disturbed by what others send on the channel', async () => {
      const person = await aSignedInPerson(service().url(0))
      const follower = await follow(service().url(0), person)
      for (const payload of ['x', `${person.userId}x`, '{"a":1}', 'é'.repeat(3_000), "'; drop table sessions"])
        await service().sql.query('select pg_notify($1, $2)', ['hallpass_sessions', payload])
      await signIn(service().url(1), person.email)
      await follower.until(() => follower.changes() > 0)
      expect(follower.changes()).to.equal(1)
      for (const process of service().processes) expect(process.isAlive()).to.equal(true)
      // Of everything: they look again.
      await service().sql.query('notify hallpass_sessions')
      await eventually(() => follower.changes() === 2)
    })
  })
})
