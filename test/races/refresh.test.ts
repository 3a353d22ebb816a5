import { expect } from 'chai'
import { policyList } from '../../src/server/settings/policies.ts'
import { answerOf, untilAnswered } from '../support/device.ts'
import { generationOf, refresh } from '../support/people.ts'
import { onTwoProcesses } from '../support/processes.ts'
import { eventsOf, feedOf, HOUR, moveTimes, rowOf } from '../support/rows.ts'
import { mailsAbout } from '../support/mail.ts'
import { addressOf, createSession, createUser, sessionsBeside } from '../support/sessions.ts'
import { usually } from '../support/thorough.ts'

const ROUNDS = usually(60, { thorough: 200 })

const times = <Result>(count: number, make: (index: number) => Result): Result[] =>
  Array.from({ length: count }, (_, index) => make(index))

describe('refreshes that arrive at once', function () {
  this.timeout(180_000)

  // A grace so long that no machine is too slow for it.
  const settings = { HALLPASS_REFRESH_GRACE: '10m', HALLPASS_TRUSTED_PROXIES: '127.0.0.1' }

  onTwoProcesses((service) => {
    const aSession = async () => createSession(service().aside, await createUser(service().aside))
    const present = (turn: number, token: string, key?: string) =>
      untilAnswered(() => refresh(service().url(turn), token, key === undefined ? {} : { key }))

    it(`all carry the same successor, which works: 20 of one token, ${ROUNDS} rounds`, async () => {
      const session = await aSession()
      let token = session.refreshToken
      for (let round = 0; round < ROUNDS; round += 1) {
        const answers = await Promise.all(times(20, (turn) => present(turn, token)))
        expect(answers.map(({ status }) => status)).to.deep.equal(times(20, () => 200))
        const successors = new Set(answers.map(({ body }) => body.refresh_token))
        expect(successors.size, `successors in round ${round}`).to.equal(1)
        expect(successors).not.to.include(token)
        ;[token = ''] = successors
      }
      expect((await rowOf(service().aside, session)).generation, 'one rotation a round').to.equal(ROUNDS)
      expect(await feedOf(service().aside, session)).to.be.empty
    })

    it('of many sessions are one rotation of each: 12 of one person, 4 of each token, 20 rounds', async () => {
      const user = await createUser(service().aside)
      const sessions = await Promise.all(times(12, () => createSession(service().aside, user)))
      let tokens = sessions.map(({ refreshToken }) => refreshToken)
      for (let round = 0; round < 20; round += 1) {
        const answers = await Promise.all(tokens.map((token) => Promise.all(times(4, (turn) => present(turn, token)))))
        const successors = answers.map((all) => new Set(all.map(({ body }) => body.refresh_token)))
        expect(
          successors.map(({ size }) => size),
          `successors in round ${round}`,
        ).to.deep.equal(times(12, () => 1))
        tokens = successors.map(([token = '']) => token)
      }
      for (const session of sessions) {
        expect((await rowOf(service().aside, session)).generation, 'one rotation a round').to.equal(20)
      }
    })

    it('are never reuse while every older token comes with the key it was rotated with', async () => {
      const session = await aSession()
      const tokens = [session.refreshToken]
      for (let round = 0; round < 60; round += 1) {
        const current = tokens[round] ?? ''
        const keyed = times(6, (turn) => present(turn, current, `key ${round}`))
        const older = [1, 2, 3]
          .filter((back) => round >= back)
          .flatMap((back) => times(2, (turn) => present(turn, tokens[round - back] ?? '', `key ${round - back}`)))
        const unkeyed = Promise.any(keyed).then(() => Promise.all(times(3, (turn) => present(turn, current))))

        const answers = await Promise.all([...keyed, ...older])
        const late = await unkeyed
        expect([...answers, ...late].map(({ body }) => body.reason ?? 'granted')).to.deep.equal(
          [...answers, ...late].map(() => 'granted'),
        )
        const successors = new Set([...(await Promise.all(keyed)), ...late].map(({ body }) => body.refresh_token))
        expect(successors.size, `successors in round ${round}`).to.equal(1)
        for (const { body } of answers) expect(generationOf(body.refresh_token)).to.be.within(round, round + 1)
        tokens.push(...successors)
        // The grace is over before the next round: from here on only the keys speak for the older tokens.
        await moveTimes(service().aside, session, { rotated_at: -HOUR })
      }
      expect((await rowOf(service().aside, session)).generation).to.equal(60)
    })

    it('after a change of network are one rotation, told of once, and sign nobody out', async () => {
      for (const isKeyed of [true, false]) {
        const session = await aSession()
        let token = session.refreshToken
        for (let round = 0; round < 25; round += 1) {
          // Half of each round comes from one new network, half from another, as from a telephone that leaves the house.
          const from = (turn: number) => ({
            headers: { 'x-forwarded-for': `192.0.${2 * round + (turn % 4 < 2 ? 0 : 1)}.1` },
            ...(isKeyed ? { key: `key ${round}` } : {}),
          })
          const answers = await Promise.all(
            times(12, (turn) => untilAnswered(() => refresh(service().url(turn), token, from(turn)))),
          )
          expect(answers.map(({ body }) => body.reason ?? 'granted')).to.deep.equal(times(12, () => 'granted'))
          const successors = new Set(answers.map(({ body }) => body.refresh_token))
          expect(successors.size, `successors in round ${round}`).to.equal(1)
          ;[token = ''] = successors
        }
        expect((await rowOf(service().aside, session)).generation, 'one rotation a round').to.equal(25)
        expect(await feedOf(service().aside, session)).to.be.empty
        // Each round has two changes at most: to the network that was first, and the other's replays.
        const lines = service().processes.flatMap((process) => process.output().split('\n'))
        const told = lines.filter((line) => line.includes('"event":"policy"') && line.includes(session.sessionId))
        expect(told).to.have.length.within(25, 50)
      }
    })

    it('from where a policy lets nobody in are told of once, and the owner goes on until one ends it', async () => {
      for (const [action, reason] of [
        ['step-up', 'insufficient_user_authentication'],
        ['revoke', 'policy:network'],
      ] as const) {
        const session = await aSession()
        const sessions = sessionsBeside(service().aside, { policies: policyList.parse(`network=${action}`) })
        const from = (ip: string | null, refreshToken = session.refreshToken) =>
          answerOf(sessions.refresh({ refreshToken, transport: 'body', clientId: null, idempotencyKey: null, ip }))
        // What came without an address has none to compare.
        const home = await from('192.0.2.1')
        const token = home.kind === 'granted' ? home.refreshToken : ''

        const strangers = await Promise.all(times(20, () => from('198.51.100.1', token)))
        expect(strangers).to.deep.equal(times(20, () => ({ kind: 'refused', reason, terminal: action === 'revoke' })))
        const events = await eventsOf(service().aside, session)
        expect(events.filter(({ type }) => type === 'session.policy')).to.have.length(1)
        expect(events.filter(({ type }) => type === 'session.revoked')).to.have.length(action === 'revoke' ? 1 : 0)
        expect((await from('192.0.2.77', token)).kind).to.equal(action === 'revoke' ? 'refused' : 'granted')
      }
    })

    it('of an old token are one reuse: one event, one entry in the feed, one mail', async () => {
      for (const [subtype, rotations] of [
        ['late_predecessor', 1],
        ['old_token', 3],
      ] as const) {
        for (let round = 0; round < 15; round += 1) {
          const session = await aSession()
          let token = session.refreshToken
          for (let each = 0; each < rotations; each += 1) token = (await present(each, token)).body.refresh_token
          await moveTimes(service().aside, session, { rotated_at: -HOUR })

          const answers = await Promise.all(times(20, (turn) => present(turn, session.refreshToken)))
          for (const { status, body } of [...answers, await present(round, token)]) {
            expect(status).to.equal(400)
            expect(body).to.include({ error: 'invalid_grant', reason: 'token_reuse', terminal: true })
          }
          const revoked = (await eventsOf(service().aside, session)).filter(({ type }) => type === 'session.revoked')
          expect(revoked).to.have.length(1)
          expect(revoked[0]).to.include({ reason: 'token_reuse', subtype, actor: 'system' })
          expect(await feedOf(service().aside, session)).to.have.length(1)
          expect(await mailsAbout(addressOf(session.userId), 'token_reuse')).to.have.length(1)
        }
      }
    })
  }, settings)
})
