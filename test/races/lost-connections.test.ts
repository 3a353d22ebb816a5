import { expect } from 'chai'
import { setTimeout as delay } from 'node:timers/promises'
import { Unavailable } from '../../src/server/errors.ts'
import { CredentialStore, Device, presentAt, untilAnswered, type RefreshAnswer } from '../support/device.ts'
import { generationOf, PASSWORD, refresh, register, send, type Answer } from '../support/people.ts'
import { onTwoProcesses, runCli } from '../support/processes.ts'
import { createSession, createUser } from '../support/sessions.ts'

const CLIENTS = 12
const ROUNDS = 8
/** By each client in a round. */
const REFRESHES = 4

describe('database connections that are cut (pg_terminate_backend)', function () {
  this.timeout(240_000)

  onTwoProcesses(
    (service) => {
      const cut = (name: string) =>
        service().sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name like $1 and pid <> pg_backend_pid()`,
          [name],
        )

      it('under load are answered 503 with Retry-After and nothing worse, and sign nobody out', async () => {
        const bad: unknown[] = []
        let unavailable = 0
        /** What a client may see while the database is away: the right answer, or "later". */
        const check = <Body extends object>(answer: Answer<Body>, expected: number): Answer<Body> => {
          if (answer.status === 503) {
            unavailable += 1
            const { error, code } = answer.body as { error?: string; code?: string }
            const isTold = (error ?? code) === 'temporarily_unavailable'
            if (!isTold || !/^[1-9]\d*$/.test(answer.headers.get('retry-after') ?? '')) bad.push(answer)
          } else if (answer.status !== expected) bad.push([answer.status, answer.body])
          return answer
        }

        const aClient = async (number: number): Promise<Device> => {
          const { refreshToken } = await createSession(service().aside, await createUser(service().aside))
          return new Device(new CredentialStore(refreshToken), async ({ refreshToken: token, key }, attempt) => {
            const { status, body } = check(await refresh(service().url(number + attempt), token, { key }), 200)
            if (status === 503) await delay(5)
            return (
              status === 200
                ? { kind: 'granted', refreshToken: body.refresh_token, accessToken: body.access_token }
                : { kind: 'unanswered' }
            ) satisfies RefreshAnswer
          })
        }
        const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => aClient(number)))
        const email = await register(service().url(0))
        const reader = await createSession(service().aside, await createUser(service().aside))

        for (let round = 0; round < ROUNDS; round += 1) {
          const url = service().url(round)
          const others = [
            untilAnswered(async () => check(await send(`${url}/v1/users/me`, { token: reader.accessToken }), 200)),
            untilAnswered(async () => check(await send(`${url}/v1/sessions`, { token: reader.accessToken }), 200)),
            untilAnswered(async () =>
              check(await send(`${url}/v1/sessions`, { body: { email, password: PASSWORD } }), 201),
            ),
          ]
          let done = 0
          let cuts: Promise<unknown> | undefined
          const refreshing = clients.map(async (client) => {
            for (let each = 0; each < REFRESHES; each += 1) {
              await client.refresh()
              done += 1
              if (done === CLIENTS * (1 + (round % 2))) cuts = cut('hallpass%')
            }
          })
          await Promise.all([...refreshing, ...others])
          expect(await cuts).to.not.be.empty
        }

        expect(bad).to.deep.equal([])
        expect(unavailable, 'answers that said "later"').to.be.above(0)
        expect(clients.map(({ store }) => generationOf(store.read()?.refreshToken ?? ''))).to.deep.equal(
          clients.map(() => ROUNDS * REFRESHES),
        )
        for (const each of service().processes) {
          expect(each.isAlive()).to.equal(true)
          expect((await send(`${each.url}/readyz`)).status).to.equal(200)
        }
      })

      /** Whether both processes come to publish a key and to sign with it; "a second or so" is given five. */
      async function bothFollow(kid: string, store: CredentialStore): Promise<boolean> {
        const signsWith = async (turn: number): Promise<string> => {
          let header = ''
          const device = new Device(store, async (credential) => {
            const answer = await presentAt(service().url(turn), credential)
            if (answer.kind === 'granted') [header = ''] = answer.accessToken.split('.')
            return answer
          })
          await device.refresh()
          return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid
        }
        const publishes = async (turn: number): Promise<boolean> => {
          const { body } = await send<{ keys: { kid: string }[] }>(`${service().url(turn)}/.well-known/jwks.json`)
          return body.keys.some((key) => key.kid === kid)
        }
        for (const deadline = Date.now() + 5_000; Date.now() < deadline; await delay(20)) {
          if (!(await publishes(0)) || !(await publishes(1))) continue
          return (await signsWith(0)) === kid && (await signsWith(1)) === kid
        }
        return false
      }

      /** In the test's own service, whose connections were cut as well. */
      const rotateKeys = async (): Promise<{ kid: string }> => {
        for (;;) {
          try {
            return await service().aside.hallpass.keys.rotate({ immediately: true })
          } catch (error) {
            if (!(error instanceof Unavailable)) throw error
          }
        }
      }

      const aStore = async (): Promise<CredentialStore> => {
        const { refreshToken } = await createSession(service().aside, await createUser(service().aside))
        return new CredentialStore(refreshToken)
      }

      it('leave every process following a key rotation', async () => {
        const rotated = await runCli(service().databaseUrl, ['keys', 'rotate', '--now'])
        expect(rotated.code, rotated.output).to.equal(0)
        const [kid = ''] = rotated.output.split(' ')
        expect(await bothFollow(kid, await aStore())).to.equal(true)
      })

      it('also one that was made while nobody listened', async () => {
        const store = await aStore()
        for (let round = 0; round < 5; round += 1) {
          expect(await cut('hallpass listener')).to.not.be.empty
          const { kid } = await rotateKeys()
          expect(await bothFollow(kid, store), `in round ${round}`).to.equal(true)
        }
      })

      it('also one that was made while every connection was cut', async () => {
        const store = await aStore()
        for (let round = 0; round < 5; round += 1) {
          const { kid } = await rotateKeys()
          expect(await cut('hallpass%')).to.not.be.empty
          expect(await bothFollow(kid, store), `in round ${round}`).to.equal(true)
        }
      })
    },
    { HALLPASS_REFRESH_GRACE: '0s' },
  )
})
