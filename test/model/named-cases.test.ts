import { expect } from 'chai'
import fc from 'fast-check'
import type { Database } from '../../src/server/database/database.ts'
import { Unavailable } from '../../src/server/errors.ts'
import { createRing } from '../../src/server/tokens/ring.ts'
import { CredentialStore, Device, presentTo, type RefreshAnswer } from '../support/device.ts'
import { generationOf } from '../support/people.ts'
import { eventsOf, feedOf, HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { onBothStores, onStore, startServer, TEST_SECRET, type TestServer } from '../support/server.ts'
import { mailsAbout } from '../support/mail.ts'
import {
  addressOf,
  createSession,
  createUser,
  plainSignIn,
  restoreRow,
  saveRow,
  sessionsBeside,
} from '../support/sessions.ts'

const NEXT_SECRET = 'pW7u3Xq9Zt1Vb5Ny8Mk2Lj6Hg4Fd0SaQeRc'
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

type Session = Awaited<ReturnType<typeof createSession>>

describe('the refresh rules, case by case', function () {
  this.timeout(60_000)

  onBothStores(
    (server) => {
      const aSession = async (): Promise<Session> => createSession(server(), await createUser(server()))
      const present = (refreshToken: string, key?: string) =>
        presentTo(server().hallpass.sessions, { refreshToken, ...(key === undefined ? {} : { key }) })

      /** A device's tokens up to a generation, each rotated with its key: `key 0` for the first, and so on. */
      async function rotate(session: Session, generation: number, known = [session.refreshToken]): Promise<string[]> {
        const tokens = [...known]
        for (let each = known.length - 1; each < generation; each += 1) {
          tokens.push(granted(await present(tokens[each] ?? '', `key ${each}`)))
        }
        return tokens
      }
      const graceEnds = (session: Session) => moveTimes(server(), session, { rotated_at: -HOUR })

      it('a late duplicate two generations back, with its key: the current token once more', async () => {
        const session = await aSession()
        const [first = '', , current = ''] = await rotate(session, 2)
        await graceEnds(session)
        expect(granted(await present(first, 'key 0'))).to.equal(current)
        expect((await rowOf(server(), session)).revoked_reason).to.equal(null)
      })

      it('a late duplicate two generations back, without its key: reuse, although the grace is open', async () => {
        for (const key of [undefined, 'key 1', 'a guess']) {
          const session = await aSession()
          const [first = '', , current = ''] = await rotate(session, 2)
          expect(await present(first, key)).to.deep.equal(refused('token_reuse'))
          expect(await present(current, 'key 2')).to.deep.equal(refused('token_reuse'))
        }
      })

      it('a reuse stays committed although the answer is an error: row, event, feed and mail', async () => {
        const session = await aSession()
        const [first = ''] = await rotate(session, 2)
        expect(await present(first)).to.deep.equal(refused('token_reuse'))
        expect((await rowOf(server(), session)).revoked_reason).to.equal('token_reuse')
        const [, event] = await eventsOf(server(), session)
        expect(event).to.include({ type: 'session.revoked', reason: 'token_reuse', subtype: 'old_token' })
        expect(await feedOf(server(), session)).to.have.length(1)
        expect(await mailsAbout(addressOf(session.userId), 'token_reuse')).to.have.length(1)
      })

      it('the key of one of the last four rotations is enough, of the fifth last it is not', async () => {
        const session = await aSession()
        const tokens = await rotate(session, 5)
        await graceEnds(session)
        for (const back of [1, 2, 3, 4]) {
          expect(granted(await present(tokens[5 - back] ?? '', `key ${5 - back}`))).to.equal(tokens[5])
        }
        expect(await present(tokens[0] ?? '', 'key 0')).to.deep.equal(refused('token_reuse'))
      })

      it('two tabs with one store, keeping the client rule, stay signed in however their requests interleave', () =>
        fc.assert(
          fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 12 }), async (scheduler, losses) => {
            const session = await aSession()
            // Without any grace: nothing but the rule keeps them apart.
            const sessions = sessionsBeside(server(), { grace: 0 })
            const store = new CredentialStore(session.refreshToken)
            const aTab = (name: string): Device =>
              new Device(store, async (credential) => {
                await scheduler.schedule(Promise.resolve(), `the request of ${name} arrives`)
                const answer = await presentTo(sessions, credential)
                await scheduler.schedule(Promise.resolve(), `the answer to ${name} arrives`)
                return losses.shift() === true ? LOST : answer
              })
            const tabs = [aTab('one'), aTab('the other')]
            const refreshThrice = async (tab: Device): Promise<void> => {
              for (let each = 0; each < 3; each += 1) await tab.refresh()
            }
            await scheduler.waitFor(Promise.all(tabs.map(refreshThrice)))

            expect(tabs.map(({ refusal }) => refusal)).to.deep.equal([null, null])
            const { generation } = await rowOf(server(), session)
            expect(generationOf(store.read()?.refreshToken ?? '')).to.equal(generation)
            expect(generation).to.be.within(3, 6)
          }),
          { numRuns: 25 },
        ))

      it('a client that always sends the same key, and a thief who has token and key: caught', async () => {
        const session = await aSession()
        const key = 'the same for ever'
        const one = granted(await present(session.refreshToken, key))
        await graceEnds(session)
        expect(granted(await present(session.refreshToken, key)), 'the thief has a replay').to.equal(one)
        const two = granted(await present(one, key))
        await graceEnds(session)
        expect(await present(one, key), 'the device').to.deep.equal(refused('token_reuse'))
        expect(await present(two, key), 'the thief').to.deep.equal(refused('token_reuse'))
      })

      it('a second reading that shows g = n or g > n: nothing is decided, nothing revoked', async () => {
        for (const isAhead of [false, true]) {
          const session = await aSession()
          const atSignIn = await saveRow(server(), session.sessionId)
          const [, current = ''] = await rotate(session, 1)
          if (isAhead) await restoreRow(server(), atSignIn)
          const before = await saveRow(server(), session.sessionId)

          const blinded = sessionsBeside(server(), { database: withoutFirst('refresh.rotate', server()) })
          const answer = await blinded.refresh(presentation(current)).catch((error: unknown) => error)
          expect(answer).to.be.instanceOf(Unavailable)
          expect(await saveRow(server(), session.sessionId)).to.equal(before)
          expect(await feedOf(server(), session)).to.be.empty

          expect(granted(await presentTo(blinded, { refreshToken: current, key: 'key 1' })), 'repeated').to.not.equal(
            '',
          )
          expect((await rowOf(server(), session)).generation).to.equal(2)
        }
      })

      it('commits lost between the reading and the revocation: no reuse any more, nothing decided', async () => {
        const session = await aSession()
        const atSignIn = await saveRow(server(), session.sessionId)
        await rotate(session, 2)
        const { database } = server().hallpass.store
        const failingOver: Database = {
          ...database,
          async query(statement, values) {
            if (statement.name === 'refresh.end_reused') await restoreRow(server(), atSignIn)
            return database.query(statement, values)
          },
        }
        const sessions = sessionsBeside(server(), { database: failingOver })
        const answer = await presentTo(sessions, { refreshToken: session.refreshToken })
        expect((await rowOf(server(), session)).revoked_reason).to.equal(null)
        expect(answer).to.deep.equal(LOST)
      })

      it('the ring changed between rotation and replay: two strings for one generation, both good', async () => {
        const session = await aSession()
        const before = sessionsBeside(server(), { ring: createRing(TEST_SECRET, [NEXT_SECRET]) })
        const after = sessionsBeside(server(), { ring: createRing(NEXT_SECRET, [TEST_SECRET]) })
        const lost = granted(await presentTo(before, session))
        const replayed = granted(await presentTo(after, session))
        expect(generationOf(lost)).to.equal(generationOf(replayed))
        expect(lost).to.not.equal(replayed)

        const successor = granted(await presentTo(after, { refreshToken: lost }))
        expect(granted(await presentTo(after, { refreshToken: replayed })), 'the other string').to.equal(successor)
        expect((await rowOf(server(), session)).generation).to.equal(2)
      })

      it('a process that does not know the new secret yet refuses nothing for good', async () => {
        const session = await aSession()
        const after = sessionsBeside(server(), { ring: createRing(NEXT_SECRET, [TEST_SECRET]) })
        const refreshToken = granted(await presentTo(after, session))
        expect(await present(refreshToken)).to.deep.equal({ kind: 'refused', reason: 'unknown_key', terminal: false })
        expect(granted(await presentTo(after, { refreshToken }))).to.not.equal(refreshToken)
      })

      it('the last character of a token changed: malformed, without a query, and the token is as good as before', async () => {
        const session = await aSession()
        let queries = 0
        const { database } = server().hallpass.store
        const counted: Database = { ...database, query: (...given) => ((queries += 1), database.query(...given)) }
        const sessions = sessionsBeside(server(), { database: counted })
        for (const last of ALPHABET) {
          const changed = session.refreshToken.slice(0, -1) + last
          if (changed === session.refreshToken) continue
          expect(await presentTo(sessions, { refreshToken: changed })).to.deep.equal(refused('malformed'))
        }
        expect(queries).to.equal(0)
        expect(granted(await presentTo(sessions, session))).to.not.equal(session.refreshToken)
      })

      it('a token ahead of its row (lost commits): it goes on, and the list of keys starts anew', async () => {
        const session = await aSession()
        const early = await rotate(session, 2)
        const onStandby = await saveRow(server(), session.sessionId)
        const tokens = await rotate(session, 4, early)
        await restoreRow(server(), onStandby)
        const successor = granted(await present(tokens[4] ?? '', 'key 4'))
        expect(generationOf(successor)).to.equal(5)

        await graceEnds(session)
        expect(granted(await present(tokens[4] ?? '', 'key 4')), 'the key it was rotated with').to.equal(successor)
        // Before, the keys 1 and 0 stood first in the list: they must not speak for other rotations now.
        const now = await saveRow(server(), session.sessionId)
        for (const key of ['key 3', 'key 1', 'key 0']) {
          expect(await present(tokens[3] ?? '', key), key).to.deep.equal(refused('token_reuse'))
          await restoreRow(server(), now)
        }
      })

      it('a password that changed since it was checked: no session', async () => {
        const userId = await createUser(server())
        const stale = { ...plainSignIn(userId), passwordVersion: -1 }
        expect(await server().hallpass.sessions.start(stale)).to.equal(null)
        expect(await server().hallpass.sessions.list(userId, 'all')).to.be.empty
      })
    },
    { HALLPASS_REFRESH_GRACE: '10m' },
  )

  onStore('postgresql', (server) => {
    it('a secret comes in by two deploys, process by process, and no device notices', async () => {
      const session = await createSession(server(), await createUser(server()))
      const deploy = (secret: string, previous: string) =>
        startServer('postgresql', {
          DATABASE_URL: server().databaseUrl ?? '',
          HALLPASS_SECRET: secret,
          HALLPASS_SECRET_PREVIOUS: previous,
        })
      const first = await deploy(TEST_SECRET, NEXT_SECRET)
      const second = await deploy(NEXT_SECRET, TEST_SECRET)
      const device = new Device(new CredentialStore(session.refreshToken), (credential, attempt) =>
        presentTo([second, first, server()][attempt % 3]?.hallpass.sessions ?? server().hallpass.sessions, credential),
      )
      try {
        for (let each = 0; each < 4; each += 1) await device.refresh()
        expect(device.refusal).to.equal(null)
        expect((await rowOf(server(), session)).generation).to.equal(4)
      } finally {
        await first.stop()
        await second.stop()
      }
    })
  })
})

const LOST: RefreshAnswer = { kind: 'unanswered' }
const refused = (reason: string): RefreshAnswer => ({ kind: 'refused', reason, terminal: true })

function granted(answer: RefreshAnswer): string {
  if (answer.kind !== 'granted') throw new Error(`the refresh was answered ${JSON.stringify(answer)}`)
  return answer.refreshToken
}

const presentation = (refreshToken: string) =>
  ({ refreshToken, transport: 'body', clientId: null, idempotencyKey: null, ip: null }) as const

/** A database whose first answer to one statement is no row, although there is one. */
function withoutFirst(name: string, { hallpass }: TestServer): Database {
  const { database } = hallpass.store
  let isBlind = true
  return {
    ...database,
    async query(statement, values) {
      if (statement.name !== name || !isBlind) return database.query(statement, values)
      isBlind = false
      return []
    },
  }
}
