import { expect } from 'chai'
import { Unavailable } from '../../src/server/errors.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { untilAnswered } from '../support/device.ts'
import { claimsOf, refresh, type SignedIn } from '../support/people.ts'
import { feedOf, rowOf } from '../support/rows.ts'
import { onStore } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'

type Device = Omit<SignedIn, 'email'>

/** Sessions that are raced for at once. */
const SESSIONS = 12

describe('an operator who changes a session', function () {
  this.timeout(120_000)

  onStore('postgresql', (server) => {
    const aDevice = async (): Promise<Device> => createSession(server(), await createUser(server()))
    const everyDevice = async (race: (device: Device, index: number) => Promise<void>): Promise<void> => {
      await Promise.all(Array.from({ length: SESSIONS }, async (_, index) => race(await aDevice(), index)))
    }
    const update = ({ userId, sessionId }: Device, changes: object) =>
      server().hallpass.sessions.update(userId, sessionId, changes, OPERATOR)
    const revoke = ({ userId, sessionId }: Device) =>
      server().hallpass.sessions.revoke(userId, sessionId, 'revoked_by_admin', OPERATOR)

    /** One refresh after the other, until one is refused or there were so many. @returns the access tokens */
    async function keepRefreshing(device: Device, times: number): Promise<{ issued: string[]; newest: string }> {
      const issued = [device.accessToken]
      let newest = device.refreshToken
      for (let step = 0; step < times; step += 1) {
        const { status, body } = await untilAnswered(() => refresh(server().url, newest))
        if (status !== 200) break
        issued.push(body.access_token)
        newest = body.refresh_token
      }
      return { issued, newest }
    }

    /** As an API sees it that follows the feed. */
    async function refusedOf(device: Device): Promise<(token: string) => boolean> {
      const entries = await feedOf(server(), device)
      const until = Math.max(...entries.map(({ issued_until: each }) => Math.floor(each.getTime() / 1000)), 0)
      return (token) => (claimsOf(token)['iat'] as number) <= until
    }

    it('leaves no token with claims of before that an API would take, while it is refreshed', async () => {
      await everyDevice(async (device, index) => {
        const refreshing = keepRefreshing(device, 3)
        for (const version of [1, 2, 3]) {
          await new Promise((resolve) => setImmediate(resolve))
          await update(device, { claims: { version } })
        }
        const { issued, newest } = await refreshing
        const isRefused = await refusedOf(device)
        for (const token of issued) {
          if (claimsOf(token)['version'] !== 3) expect(isRefused(token), `session ${index}`).to.equal(true)
        }
        const { body } = await refresh(server().url, newest)
        expect(claimsOf(body.access_token)).to.include({ version: 3 })
        expect(isRefused(body.access_token)).to.equal(false)
      })
    })

    it('brings it back or has it ended, whole, while it is refreshed and ended', async () => {
      await everyDevice(async (device, index) => {
        const refreshing = keepRefreshing(device, 4)
        const changes = [
          revoke(device),
          update(device, { revived: true }),
          revoke(device),
          update(device, { revived: true }),
        ]
        await Promise.all(index % 2 === 0 ? changes : changes.reverse())
        const { issued, newest } = await refreshing
        const before = await refusedOf(device)
        const { revoked_reason: reason } = await rowOf(server(), device)
        if (reason !== null) for (const token of issued) expect(before(token), `session ${index}`).to.equal(true)
        else await revoke(device)

        const ended = await refusedOf(device)
        for (const token of issued) expect(ended(token), `session ${index}, ended`).to.equal(true)
        await update(device, { revived: true })
        const again = await keepRefreshing({ ...device, refreshToken: newest }, 1)
        const isRefused = await refusedOf(device)
        expect(again.issued, 'its refresh token works').to.have.lengthOf(2)
        expect(isRefused(again.issued[1] ?? ''), `session ${index}, revived`).to.equal(false)
      })
    })

    it('leaves nobody who was signed out meanwhile a way to take that back', async () => {
      const { sessions } = server().hallpass
      for (let round = 0; round < SESSIONS; round += 1) {
        const owner = await aDevice()
        const [thief, other] = [
          await createSession(server(), owner.userId),
          await createSession(server(), owner.userId),
        ]
        const by = ({ sessionId }: Device) => ({ kind: 'user', sessionId, ip: null }) as const
        await sessions.revoke(owner.userId, other.sessionId, 'revoked_by_user', by(owner))
        const [, undone] = await Promise.allSettled([
          sessions.revokeAll(owner.userId, owner.sessionId, 'revoked_by_user', by(owner)),
          sessions.undo(owner.userId, other.sessionId, by(thief)),
        ])
        const { revoked_reason: reason } = await rowOf(server(), other)
        if (undone.status === 'rejected') expect(undone.reason).to.be.instanceOf(Unavailable)
        expect(reason, 'ended again, or never back').to.equal('revoked_by_user')
      }
    })

    it('has a session ended at once whose token still waits for its second', async () => {
      await everyDevice(async (device) => {
        await update(device, { claims: { version: 1 } })
        const waiting = refresh(server().url, device.refreshToken)
        while ((await rowOf(server(), device)).generation === 0) await new Promise((resolve) => setImmediate(resolve))
        await revoke(device)
        const { body } = await waiting
        expect((await refusedOf(device))(body.access_token)).to.equal(true)
      })
    })
  })
})
