import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import { untilAnswered } from '../support/device.ts'
import { claimsOf, PASSWORD, refresh, register, send, signIn, type Answer } from '../support/people.ts'
import { onTwoProcesses } from '../support/processes.ts'
import type { TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'
import { usually } from '../support/thorough.ts'

const ROUNDS = usually(100, { thorough: 200 })

interface SignInBody {
  refresh_token: string
  session: { id: string }
}

interface EndedRow {
  id: string
  rotated_at: Date | null
  revoked_at: Date | null
  /** Whole seconds, as verifiers are told it. */
  issued_until: number | null
  entries: number
  /** Whether it began after the last session that was ended. */
  is_younger: boolean
}

/** Every session of a user, with what the feed says of it. */
const sessionsOf = ({ hallpass }: TestServer, userId: string): Promise<EndedRow[]> =>
  hallpass.store.database.query(
    statement<EndedRow>(
      'test.ended',
      `select s.id, s.rotated_at, s.revoked_at, count(r.*)::int as entries,
         floor(extract(epoch from max(r.issued_until)))::int as issued_until,
         coalesce(s.created_at > (max(max(s.revoked_at)) over ()), true) as is_younger
       from sessions s left join revocations r on r.session_id = s.id
       where s.user_id = $1::uuid group by s.user_id, s.id`,
    ),
    [userId],
  )

describe('a revocation', function () {
  this.timeout(180_000)

  onTwoProcesses((service) => {
    /**
     * Refreshes one device on both processes at once, again and again until nothing is granted any more.
     * Whatever is asked after the revocation's answer has to be refused.
     */
    function keepRefreshing(first: string, afterStep: (step: number) => void = () => undefined) {
      const tokens = [first]
      const issued: string[] = []
      let isRevoked = false

      const present = async (turn: number, token: string): Promise<string | undefined> => {
        const isLate = isRevoked
        const answer = await untilAnswered(() => refresh(service().url(turn), token))
        if (answer.status === 200) issued.push(answer.body.access_token)
        if (isLate) expect(answer.body).to.include({ reason: 'revoked_by_user', terminal: true })
        return answer.status === 200 ? answer.body.refresh_token : undefined
      }
      const run = async (): Promise<void> => {
        for (let step = 0; ; step += 1) {
          const current = tokens.at(-1) ?? ''
          const answers = [0, 1, 2].map((turn) => present(turn, current))
          afterStep(step)
          const successor = (await Promise.all(answers)).find((token) => token !== undefined)
          if (successor === undefined) return
          tokens.push(successor)
        }
      }
      return {
        /** Ends once the device is refused. */
        done: run(),
        issued,
        revoked: () => void (isRevoked = true),
        /** Everything the device was ever given, once more. */
        presentAll: () => Promise.all(tokens.flatMap((token) => [0, 1].map((turn) => present(turn, token)))),
      }
    }

    it(`is followed by no refresh and no token, in ${ROUNDS} rounds against refreshes`, async () => {
      const userId = await createUser(service().aside)
      const owner = await createSession(service().aside, userId)
      const issued = new Map<string, string[]>()

      for (let round = 0; round < ROUNDS; round += 1) {
        const { sessionId, refreshToken } = await createSession(service().aside, userId)
        const end = async (): Promise<void> => {
          const { status } = await untilAnswered(() =>
            send(`${service().url(round)}/v1/sessions/${sessionId}`, { method: 'DELETE', token: owner.accessToken }),
          )
          expect(status).to.equal(204)
          device.revoked()
        }
        let ending: Promise<void> | undefined
        const device = keepRefreshing(refreshToken, (step) => {
          if (step === round % 4) ending = end()
        })
        await device.done
        await ending
        await device.presentAll()
        issued.set(sessionId, device.issued)
      }

      for (const row of await sessionsOf(service().aside, userId)) {
        if (row.id === owner.sessionId) continue
        expect(row.entries, 'entries in the feed').to.equal(1)
        if (row.rotated_at !== null) expect(row.rotated_at).to.be.at.most(row.revoked_at ?? new Date(0))
        for (const token of issued.get(row.id) ?? []) {
          expect(claimsOf(token)['iat'], 'what verifiers refuse covers every token').to.be.at.most(
            row.issued_until ?? 0,
          )
        }
      }
    })

    it('of all sessions leaves none alive that began before it, with sign-ins and refreshes under way', async () => {
      for (let round = 0; round < 8; round += 1) {
        const email = await register(service().url(round))
        const owner = await signIn(service().url(round), email)
        const { sessionId, refreshToken } = await createSession(service().aside, owner.userId)

        let revokedAll: Promise<Answer> | undefined
        let arrived = 0
        const revokeAfter = (count: number): void => {
          if (arrived++ !== count) return
          revokedAll = untilAnswered(() =>
            send(`${service().url(round)}/v1/sessions`, { method: 'DELETE', token: owner.accessToken }),
          )
          void revokedAll.then(() => device.revoked())
        }
        const device = keepRefreshing(refreshToken)
        const signIns = [0, 1, 2, 3].map(async (turn) => {
          const answer = await untilAnswered(() =>
            send<SignInBody>(`${service().url(turn)}/v1/sessions`, { body: { email, password: PASSWORD } }),
          )
          expect(answer.status).to.equal(201)
          revokeAfter(round % 3)
          return answer.body
        })
        const signedIn = await Promise.all(signIns)
        expect((await revokedAll)?.status).to.equal(200)
        await device.done
        await device.presentAll()

        const rows = await sessionsOf(service().aside, owner.userId)
        const ended = rows.filter(({ revoked_at: at }) => at !== null)
        expect(ended.map(({ id }) => id)).to.include.members([owner.sessionId, sessionId])
        expect(rows).to.have.length(2 + signedIn.length)
        for (const { revoked_at: at, is_younger: isYounger } of rows) expect(isYounger).to.equal(at === null)
        for (const { refresh_token: token, session } of signedIn) {
          const { status } = await untilAnswered(() => refresh(service().url(round), token))
          expect(status).to.equal(ended.some(({ id }) => id === session.id) ? 400 : 200)
        }
      }
    })
  })
})
