import { expect } from 'chai'
import { connectTo, type SecondConnection } from '../support/held.ts'
import { aSignedInPerson, PASSWORD, register, rotate, send, signIn, type Answer } from '../support/people.ts'
import { onStore } from '../support/server.ts'

/** More than are checked at once and may wait in line (users/sign-in-line.ts). */
const CROWD = 300
const CHECKED_AT_ONCE = 8
/** More than an account has in a quarter of an hour. */
const ATTEMPTS = 12

/** Accounts cannot be read for as long as a second connection says so, and whoever is let in waits there. */
describe('of a crowd that signs in at once', function () {
  this.timeout(60_000)

  onStore(
    'postgresql',
    (server) => {
      let other: SecondConnection
      let crowd: Promise<Answer[]>
      let signedIn: number
      beforeEach(async () => {
        other = await connectTo(server().databaseUrl)
      })
      afterEach(() => other.end())

      const tryToSignIn = (email: string): Promise<Answer> =>
        send(`${server().url}/v1/sessions`, { body: { email, password: PASSWORD } })

      const holdUpACrowd = async (emails: readonly string[]): Promise<void> => {
        await other.query('begin')
        await other.query('lock table users in access exclusive mode')
        signedIn = 0
        crowd = Promise.all(
          Array.from({ length: CROWD }, async (_, index) => {
            const answer = await tryToSignIn(emails[index % emails.length] ?? '')
            if (answer.status === 201) signedIn += 1
            return answer
          }),
        )
        await other.isWaitedForBy(crowd, CHECKED_AT_ONCE)
      }
      const letItIn = async (): Promise<Answer[]> => {
        await other.query('commit')
        return crowd
      }

      it('nobody keeps a device from refreshing', async () => {
        const device = await aSignedInPerson(server().url)
        await holdUpACrowd([device.email])
        await rotate(server().url, device, 5)
        expect(signedIn).to.equal(0)
        await letItIn()
      })

      it('those who find the line full are told to come again, and it does not count as an attempt', async () => {
        const late = await register(server().url)
        await holdUpACrowd([await register(server().url)])
        const putOff = await Promise.all(Array.from({ length: ATTEMPTS }, () => tryToSignIn(late)))
        for (const { status, headers, body } of putOff) {
          expect(status).to.equal(503)
          expect(body).to.include({ code: 'temporarily_unavailable' })
          expect(Number(headers.get('retry-after'))).to.be.at.least(1)
        }
        await letItIn()
        await signIn(server().url, late)
      })
    },
    { HALLPASS_RATE_LIMITS: 'on' },
  )
})
