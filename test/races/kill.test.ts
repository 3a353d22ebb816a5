import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import { CredentialStore, Device, presentAt } from '../support/device.ts'
import { generationOf } from '../support/people.ts'
import { createMigratedDatabase } from '../support/migrated-postgres.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { startProcess, type ServerProcess } from '../support/processes.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'
import { usually } from '../support/thorough.ts'

const KILLS = usually(3, { thorough: 6 })
const CLIENTS = 20
/** By each client between two kills. */
const REFRESHES = 3

describe('a process that is killed (kill -9) in the middle of refreshes', function () {
  this.timeout(240_000)

  // Without any grace, so that nothing but the client rule carries the devices over.
  const settings = { HALLPASS_REFRESH_GRACE: '0s' }
  let databaseUrl: string
  let aside: TestServer
  let processes: ServerProcess[]

  before(async () => {
    databaseUrl = await createMigratedDatabase()
    aside = await startServer('postgresql', { ...settings, DATABASE_URL: databaseUrl })
    processes = await Promise.all([startProcess(databaseUrl, settings), startProcess(databaseUrl, settings)])
  })

  after(async () => {
    await Promise.all(processes.map((each) => each.stop()))
    await aside.stop()
    await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  it(`signs nobody out: ${CLIENTS} clients that keep the client rule, ${KILLS} kills`, async () => {
    let answers = 0
    let unanswered = 0
    let onAnswer = (): void => undefined

    const aClient = async (number: number): Promise<Device> => {
      const { refreshToken } = await createSession(aside, await createUser(aside))
      return new Device(new CredentialStore(refreshToken), async (credential, attempt) => {
        const { url = '' } = processes[(number + attempt) % 2] ?? {}
        const answer = await presentAt(url, credential)
        if (answer.kind === 'unanswered') unanswered += 1
        else answers += 1
        onAnswer()
        return answer
      })
    }
    const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => aClient(number)))

    const refusals = () => clients.flatMap(({ refusal }) => refusal ?? [])

    for (let kill = 0; kill < KILLS; kill += 1) {
      const victim = kill % 2
      // Counted in answers, not in time: somewhere in the middle of the round, each time elsewhere.
      const killAt = answers + 3 + ((kill * 17) % (CLIENTS * (REFRESHES - 1)))
      let killed: Promise<void> | undefined
      onAnswer = () => {
        if (answers >= killAt) killed ??= processes[victim]?.kill()
      }
      await Promise.all(
        clients.map(async (client) => {
          for (let each = 0; each < REFRESHES; each += 1) await client.refresh()
        }),
      )
      await killed
      expect(refusals(), `after kill ${kill + 1}`).to.be.empty
      expect(processes[victim]?.isAlive()).to.equal(false)
      processes[victim] = await startProcess(databaseUrl, settings)
    }

    for (const { store } of clients) {
      expect(generationOf(store.read()?.refreshToken ?? ''), 'every refresh went on').to.equal(KILLS * REFRESHES)
    }
    expect(unanswered, 'refreshes that the kills cut off').to.be.above(KILLS)
    const [{ live } = { live: 0 }] = await aside.hallpass.store.database.query(
      statement<{ live: number }>('test.live', 'select count(*) as live from sessions where revoked_at is null'),
      [],
    )
    expect(live).to.equal(CLIENTS)
  })
})
