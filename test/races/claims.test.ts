import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { Unavailable } from '../../src/server/errors.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { claimsOf, refresh } from '../support/people.ts'
import { feedOf, isAlive } from '../support/rows.ts'
import { onStore } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'

describe('Claims that change while devices refresh', function () {
  this.timeout(60_000)

  onStore(
    'postgresql',
    (server) => {
      let sql: SecondConnection
      beforeEach(async () => void (sql = await connectTo(server().databaseUrl)))
      // And with it whatever it still holds.
      afterEach(() => sql.end())

      type Device = Awaited<ReturnType<typeof createSession>>

      const aDevice = async (): Promise<Device> => createSession(server(), await createUser(server()))
      const state = async ({ userId }: Device, version: number): Promise<void> => {
        await server().hallpass.accounts.amend(userId, { claims: { version } }, OPERATOR)
      }

      /** What followers know of it: the entry that outdated the tokens of version 0 first. Whole seconds. */
      const outdatedUntil = async (device: Device): Promise<number[]> =>
        (await feedOf(server(), device))
          .map(({ issued_until: until }) => Math.floor(until.getTime() / 1000))
          .toSorted((one, other) => one - other)

      /** Old ones are refused by whoever follows, and those that say what is so are not. */
      async function expectTold(device: Device, issued: readonly string[], versions: number): Promise<void> {
        const entries = await outdatedUntil(device)
        expect(entries).to.have.length(versions)
        for (const { version = 0, iat } of issued.map(claimsOf) as { version?: number; iat: number }[]) {
          if (version < versions) expect(iat, 'outdated, and refused').to.be.at.most(entries[version] ?? 0)
          if (version > 0) expect(iat, 'made afterwards, and good').to.be.above(entries[version - 1] ?? Infinity)
        }
        expect(await isAlive(server(), device)).to.equal(true)
      }

      it('are in every token that is younger than the entry which outdates the others', async () => {
        const versions = 4
        const life = async (): Promise<void> => {
          const device = await aDevice()
          const issued = [device.accessToken]
          let token = device.refreshToken
          let isOver = false
          /** Two tabs: one rotates, the other is answered with a replay. */
          const refreshing = async (): Promise<void> => {
            while (!isOver) {
              const answers = await Promise.all([refresh(server().url, token), refresh(server().url, token)])
              for (const { status, body } of answers) {
                expect(status).to.equal(200)
                issued.push(body.access_token)
              }
              token = answers[0].body.refresh_token
            }
          }
          const changing = async (): Promise<void> => {
            for (let version = 1; version <= versions; version += 1) {
              const count = issued.length
              await state(device, version)
              // Sometimes at once again, sometimes when the devices have heard.
              while (version % 2 === 0 && issued.length < count + 2) await delay(1)
            }
            isOver = true
          }
          await Promise.all([refreshing(), changing()])
          await expectTold(device, issued, versions)
        }
        await Promise.all(Array.from({ length: 6 }, life))
      })

      it('outdate a token that was made while they had to wait', async () => {
        const device = await aDevice()
        const first = await refresh(server().url, device.refreshToken)
        const replayed: string[] = []
        while (!(await hasChangedAfterReplay(device, replayed))); // who waits for too long gives up, and is asked again
        for (const token of replayed) expect(claimsOf(token)).not.to.have.property('version')
        const { body } = await refresh(server().url, first.body.refresh_token)
        expect(claimsOf(body.access_token)).to.include({ version: 1 })
        await expectTold(device, [first.body.access_token, ...replayed, body.access_token], 1)
      })

      /** A replay holds the row, late in a second. A change waits for it, the second ends, and another replay comes by. */
      async function hasChangedAfterReplay(device: Device, replayed: string[]): Promise<boolean> {
        await sql.query('begin')
        await sql.untilLateInASecond()
        await sql.query('select from sessions where id = $1 for share', [device.sessionId])
        const changing = state(device, 1).then(
          () => true,
          (error: unknown) => !(error instanceof Unavailable),
        )
        await sql.isWaitedForBy(changing)
        await sql.untilItIsOver()
        replayed.push((await refresh(server().url, device.refreshToken)).body.access_token)
        await sql.query('commit')
        return changing
      }

      it('are those of the change that came last, in every session', async () => {
        const device = await aDevice()
        const devices = [device, await createSession(server(), device.userId)]
        await Promise.all(Array.from({ length: 8 }, (_, version) => state(device, version)))
        const [{ claims } = { claims: {} }] = await sql.query<{ claims: object }>(
          'select claims from users where id = $1',
          [device.userId],
        )
        const rows = await sql.query<{ claims: object }>('select claims from sessions where user_id = $1', [
          device.userId,
        ])
        expect(rows.map((row) => row.claims)).to.deep.equal(devices.map(() => claims))
      })

      it('reach a sign-in that was under way', async () => {
        const device = await aDevice()
        await sql.query('begin')
        await sql.query('select from users where id = $1 for no key update', [device.userId])
        const changing = state(device, 1)
        await sql.isWaitedForBy(changing)
        const signingIn = createSession(server(), device.userId)
        await sql.isWaitedForBy(signingIn, 2)
        await sql.query('commit')
        await changing
        expect(claimsOf((await signingIn).accessToken)).to.include({ version: 1 })
      })
    },
    { HALLPASS_REFRESH_GRACE: '10m' },
  )
})
