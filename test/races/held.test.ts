import { expect } from 'chai'
import { untilAnswered } from '../support/device.ts'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { aSignedInPerson, claimsOf, PASSWORD, refresh, send, signIn, type SignedIn } from '../support/people.ts'
import { eventsOf, feedOf, HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { onStore } from '../support/server.ts'

/**
 * The moments that a race only sometimes hits. A second connection holds a lock; what is under way
 * waits there, and the other side comes in between.
 */
describe('while one of two is held in the middle of its work', function () {
  this.timeout(60_000)

  onStore(
    'postgresql',
    (server) => {
      let other: SecondConnection
      beforeEach(async () => {
        other = await connectTo(server().databaseUrl)
      })
      // And with it whatever it still holds.
      afterEach(() => other.end())

      const present = (token: string, key?: string) =>
        untilAnswered(() => refresh(server().url, token, key === undefined ? {} : { key }))

      /** As another process does it, up to its commit. */
      const beginRevocation = async ({ userId, sessionId }: SignedIn): Promise<void> => {
        await other.query('begin')
        await other.query(
          `update sessions set revoked_at = clock_timestamp(), revoked_reason = 'revoked_by_user'
           where user_id = $1 and id = $2`,
          [userId, sessionId],
        )
      }
      const holdRow = async ({ userId, sessionId }: SignedIn): Promise<void> => {
        await other.query('begin')
        await other.query('select from sessions where user_id = $1 and id = $2 for update', [userId, sessionId])
      }

      it('a refresh that met a revocation under way is refused when that is committed', async () => {
        const person = await aSignedInPerson(server().url)
        await beginRevocation(person)
        const refreshing = present(person.refreshToken)
        await other.isWaitedForBy(refreshing)
        await other.query('commit')
        expect((await refreshing).body).to.include({ reason: 'revoked_by_user', terminal: true })
        expect((await rowOf(server(), person)).generation).to.equal(0)
      })

      it('a replay that met a revocation under way is refused as well: its token would be younger than that', async () => {
        const person = await aSignedInPerson(server().url)
        await present(person.refreshToken)
        await beginRevocation(person)
        const replaying = present(person.refreshToken)
        await other.isWaitedForBy(replaying)
        await other.query('commit')
        expect((await replaying).body).to.include({ reason: 'revoked_by_user', terminal: true })
      })

      it('a refresh goes on when the revocation that it met is rolled back', async () => {
        const person = await aSignedInPerson(server().url)
        await beginRevocation(person)
        const refreshing = present(person.refreshToken)
        await other.isWaitedForBy(refreshing)
        await other.query('rollback')
        expect((await refreshing).status).to.equal(200)
      })

      it('a revocation that had to wait for a refresh covers the tokens of that refresh', async () => {
        const person = await aSignedInPerson(server().url)
        const { accessToken: token } = await signIn(server().url, person.email)
        await holdRow(person)
        const refreshing = present(person.refreshToken)
        await other.isWaitedForBy(refreshing)
        const revoking = untilAnswered(() =>
          send(`${server().url}/v1/sessions/${person.sessionId}`, { method: 'DELETE', token }),
        )
        await other.isWaitedForBy(revoking, 2)
        await other.query('commit')

        const { status, body } = await refreshing
        expect((await revoking).status).to.equal(204)
        const [{ is_covered: isCovered } = {}] = await other.query<{ is_covered: boolean | null }>(
          `select rotated_at <= issued_until as is_covered
           from sessions join revocations on session_id = sessions.id where session_id = $1`,
          [person.sessionId],
        )
        expect(isCovered).to.equal(status === 200 ? true : null)
        const dead = await present(status === 200 ? body.refresh_token : person.refreshToken)
        expect(dead.body).to.include({ reason: 'revoked_by_user', terminal: true })
      })

      it('a revocation that has to wait for replays covers the tokens of those that came meanwhile', async () => {
        const person = await aSignedInPerson(server().url)
        const { accessToken: token } = await signIn(server().url, person.email)
        await present(person.refreshToken)
        const replayed: string[] = []
        /** A replay under way holds the row, late in a second; the second ends, and another replay comes by. */
        const revokeAfterReplay = async (): Promise<number> => {
          await other.query('begin')
          await other.untilLateInASecond()
          await other.query('select from sessions where id = $1 for share', [person.sessionId])
          const revoking = send(`${server().url}/v1/sessions/${person.sessionId}`, { method: 'DELETE', token })
          await other.isWaitedForBy(revoking)
          await other.untilItIsOver()
          replayed.push((await present(person.refreshToken)).body.access_token)
          await other.query('commit')
          return (await revoking).status
        }
        while ((await revokeAfterReplay()) !== 204); // 503 where it waited for too long
        const [entry] = await feedOf(server(), person)
        const until = Math.floor((entry?.issued_until.getTime() ?? 0) / 1000)
        for (const each of replayed) expect(claimsOf(each)['iat']).to.be.at.most(until)
      })

      it('refreshes of one token that all have looked already are one rotation, with one key', async () => {
        const person = await aSignedInPerson(server().url)
        await holdRow(person)
        const refreshing = [0, 1, 2].map(() => present(person.refreshToken, 'its key'))
        await other.isWaitedForBy(Promise.all(refreshing), 3)
        await other.query('commit')

        const answers = await Promise.all(refreshing)
        expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200])
        const successors = new Set(answers.map(({ body }) => body.refresh_token))
        expect(successors.size).to.equal(1)
        expect((await rowOf(server(), person)).generation).to.equal(1)

        await moveTimes(server(), person, { rotated_at: -HOUR })
        const again = await present(person.refreshToken, 'its key')
        expect(successors, 'the key still stands for one rotation').to.include(again.body.refresh_token)
      })

      it('reuses that all have looked already are one reuse', async () => {
        const person = await aSignedInPerson(server().url)
        const { body } = await present(person.refreshToken)
        await present(body.refresh_token)
        await holdRow(person)
        const reusing = [0, 1, 2].map(() => present(person.refreshToken))
        await other.isWaitedForBy(Promise.all(reusing), 3)
        await other.query('commit')
        for (const answer of await Promise.all(reusing)) expect(answer.body).to.include({ reason: 'token_reuse' })
        expect(await eventsOf(server(), person)).to.have.length(2)
      })

      it('a sign-in in flight does not survive a revoke-all that comes in between', async () => {
        const person = await aSignedInPerson(server().url)
        await other.query(`
          create function wait_here() returns trigger language plpgsql
          as $$ begin perform pg_advisory_xact_lock(1); return new; end $$`)
        await other.query('create trigger wait_here after insert on sessions for each row execute function wait_here()')
        await other.query('select pg_advisory_lock(1)')
        try {
          // Its row is inserted, and not committed.
          const signingIn = untilAnswered(() =>
            send<{ refresh_token: string }>(`${server().url}/v1/sessions`, {
              body: { email: person.email, password: PASSWORD },
            }),
          )
          expect(await other.isWaitedForBy(signingIn)).to.equal(true)
          const revoking = untilAnswered(() =>
            send(`${server().url}/v1/sessions`, { method: 'DELETE', token: person.accessToken }),
          )
          await other.isWaitedForBy(revoking, 2)
          await other.query('select pg_advisory_unlock(1)')
          expect((await revoking).status).to.equal(200)
          expect((await signingIn).status).to.equal(201)
        } finally {
          await other.query('select pg_advisory_unlock_all()')
          await other.query('drop trigger wait_here on sessions')
        }
        const survivors = await other.query(
          `select id from sessions where user_id = $1 and revoked_at is null
             and created_at < (select max(revoked_at) from sessions where user_id = $1)`,
          [person.userId],
        )
        expect(survivors, 'alive although they began before everything was revoked').to.be.empty
      })

      it('a sign-in whose password was checked before it changed is refused', async () => {
        const person = await aSignedInPerson(server().url)
        for (let status = 503; status === 503;) {
          await other.query('begin')
          await other.query('update users set password_version = password_version + 1 where id = $1', [person.userId])
          const signingIn = send(`${server().url}/v1/sessions`, { body: { email: person.email, password: PASSWORD } })
          await other.isWaitedForBy(signingIn)
          await other.query('commit')
          const answer = await signingIn
          status = answer.status
          if (status !== 503) expect(answer).to.deep.include({ status: 401 })
        }
        expect((await signIn(server().url, person.email)).userId).to.equal(person.userId)
      })

      it('a sign-in to an account that is disabled meanwhile is refused', async () => {
        const person = await aSignedInPerson(server().url)
        await other.query('begin')
        await other.query('update users set disabled_at = clock_timestamp() where id = $1', [person.userId])
        const signingIn = untilAnswered(() =>
          send(`${server().url}/v1/sessions`, { body: { email: person.email, password: PASSWORD } }),
        )
        await other.isWaitedForBy(signingIn)
        await other.query('commit')
        expect((await signingIn).status).to.equal(401)
      })
    },
    { HALLPASS_REFRESH_GRACE: '10m' },
  )
})
