import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient, type Client, type ClientStorage, type HallpassError, type SessionState } from 'hallpass/client'
import { statement } from '../../src/server/database/database.ts'
import { startChaoticProxy, type ChaoticProxy } from '../support/chaotic-proxy.ts'
import { claimsOf, generationOf } from '../support/people.ts'
import { createMigratedDatabase } from '../support/migrated-postgres.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { startProcess, type ServerProcess } from '../support/processes.ts'
import { createRandom, type Random } from '../support/random.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'
import { usually } from '../support/thorough.ts'
import { handOver, type Session } from './handed-over.ts'

/** Half of them at a service with the grace of 30 seconds, half without any: there only the keys help. */
const DEVICES = 50
const REFRESHES = usually(2_000, { thorough: 10_000 })
/** What a device says while it cannot say more; all of it is about now. */
const NOT_NOW = ['unavailable', 'storage_failed', 'temporarily_unavailable', 'rate_limited', 'invalid_grant']

const SEED = process.env['SEED'] ?? randomBytes(4).toString('hex')

describe(`Ten thousand refreshes through a bad network (SEED=${SEED})`, function () {
  this.timeout(300_000)

  let aside: TestServer
  let services: ServerProcess[] = []
  const devices: Device[] = []

  before(async () => {
    const databaseUrl = await createMigratedDatabase()
    aside = await startServer('postgresql', { DATABASE_URL: databaseUrl })
    services = await Promise.all(
      ['30s', '0s'].map((grace) => startProcess(databaseUrl, { HALLPASS_REFRESH_GRACE: grace })),
    )
    for (let number = 0; number < DEVICES; number += 1) {
      const session = await createSession(aside, await createUser(aside))
      devices.push(await aDevice(services[number % 2]!.url, session, createRandom(`${SEED} ${number}`)))
    }
  })

  after(async () => {
    for (const device of devices) await device.end()
    for (const service of services) await service.stop()
    if (aside === undefined) return
    await aside.stop()
    await (await sharedPostgres()).dropDatabase(aside.databaseUrl ?? '')
  })

  afterEach(() => clock.restore())

  /** What the service answered, whatever became of it on its way. */
  const answers = (): number => devices.reduce((sum, { proxy }) => sum + proxy.answered.length, 0)

  it('sign nobody out, and leave one session a device, of one line', async () => {
    clock.take()
    while (answers() < REFRESHES) {
      clock.pass(10 * MINUTE) // all access tokens are too old
      await Promise.all(devices.map((device) => device.getAccessToken()))
    }
    await Promise.all(devices.map((device) => device.comeToRest()))
    clock.restore()

    for (const [number, device] of devices.entries()) {
      const { proxy } = device
      expect(device.ends, `device ${number} was signed out`).to.be.empty
      const refusals = proxy.answered.filter(({ status }) => status !== 200)
      expect(refusals, `what the service refused to device ${number}`).to.be.empty
      expectOneLine(proxy)
      const [session, ...others] = await sessionsOf(aside, device.session)
      expect(others, `further sessions of device ${number}`).to.be.empty
      expect(session).to.include({ revoked_at: null })
      const newest =
        proxy.answered
          .map(({ body }) => body.refresh_token ?? '')
          .toSorted(byGeneration)
          .at(-1) ?? ''
      expect(Number(session?.generation)).to.equal(generationOf(newest))
      expect(device.kept(), 'what is kept is the newest').to.include(newest)
      expect(device.sids).to.deep.equal(new Set([session?.id]))
    }
    expect(await reuses(aside)).to.equal(0)
    expectChaos(devices)
  })
})

const MINUTE = 60_000

/** For the clients time passes by leaps; for everybody else it goes on as it does. */
const clock = {
  ahead: 0,
  take() {
    const now = performance.now.bind(performance)
    performance.now = () => now() + clock.ahead
  },
  pass(milliseconds: number) {
    clock.ahead += milliseconds
  },
  restore() {
    Reflect.deleteProperty(performance, 'now')
  },
}

interface Device {
  readonly session: Session
  readonly proxy: ChaoticProxy
  /** Whatever its clients said of a sign-out. */
  readonly ends: SessionState[]
  /** The sessions that its access tokens were of. */
  readonly sids: ReadonlySet<unknown>
  /** As it stands in the storage. */
  kept(): string | null
  /** However long it takes, and however often the app is killed meanwhile. */
  getAccessToken(): Promise<void>
  /** One good refresh, at the end of everything. */
  comeToRest(): Promise<void>
  end(): Promise<void>
}

async function aDevice(url: string, session: Session, random: Random): Promise<Device> {
  const proxy = await startChaoticProxy(url, random)
  const storage = createBadStorage(random)
  const ends: SessionState[] = []
  const sids = new Set<unknown>()
  let plug: Plug
  let client: Client

  function start(): void {
    plug = storage.plugIn()
    client = createClient({ issuer: proxy.url, transport: 'body', storage: plug })
    client.onChange((state) => void (state.status === 'signed_out' && ends.push(state)))
  }

  /** In the middle of whatever it does. */
  function end(): void {
    if (random.happens(0.7)) plug.pull() // killed; else closed, and what is under way may still be written
    client.close()
  }

  async function getAccessToken(): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const token = client.getAccessToken()
      if (random.happens(0.15)) {
        token.catch(() => undefined)
        await delay(random.upTo(8))
        end()
        start()
        continue
      }
      try {
        sids.add(claimsOf(await token)['sid'])
        return
      } catch (error) {
        expect((error as HallpassError).code, inWords(ends, proxy)).to.be.oneOf(NOT_NOW)
      }
      clock.pass(2_000) // longer than any Retry-After here
      client.wake()
    }
    throw new Error(`no access token in ${MOST_ATTEMPTS} attempts: ${JSON.stringify(client.state)}`)
  }

  const first = await handOver(session, { issuer: url, storage: storage.good })
  first.close()
  start()

  return {
    session,
    proxy,
    ends,
    sids,
    getAccessToken,
    kept: () => storage.good.read() as string | null,
    async comeToRest() {
      end()
      await delay(100) // what the closed one still had under way
      proxy.calmDown()
      storage.calmDown()
      await proxy.settle()
      start()
      await getAccessToken()
    },
    async end() {
      client.close()
      await proxy.close()
    },
  }
}

/** What led to a failure. */
const inWords = (ends: readonly SessionState[], { answered }: ChaoticProxy): string =>
  JSON.stringify([
    ends,
    answered.slice(-12).map(({ presented, key, status, body }) => ({
      presented: generationOf(presented),
      key,
      status,
      reason: body.reason,
      got: body.refresh_token && generationOf(body.refresh_token),
    })),
  ])

/** Nothing here is that bad. */
const MOST_ATTEMPTS = 200

interface Plug extends ClientStorage {
  /** As the end of the process does: what is being read or written stays so. */
  pull(): void
}

/** Slow, in the order of asking, and now and then it throws: before it wrote, or after. */
function createBadStorage(random: Random) {
  let text: string | null = null
  let isCalm = false
  let last: Promise<unknown> = Promise.resolve()
  const fails = (share: number): void => {
    if (!isCalm && random.happens(share)) throw new Error('the keychain is locked')
  }
  return {
    good: { read: () => text, write: (next: string | null) => void (text = next) },
    calmDown() {
      isCalm = true
    },
    plugIn(): Plug {
      let isPulled = false
      const inTurn = async <Result>(work: () => Result): Promise<Result> => {
        const turn = last.then(async () => {
          if (random.happens(0.3)) await delay(random.upTo(2))
          return isPulled ? NEVER : work()
        })
        last = turn.catch(() => undefined)
        const result = await turn
        return result === NEVER || isPulled ? new Promise<never>(() => undefined) : result
      }
      return {
        read: () =>
          inTurn(() => {
            fails(0.02)
            return text
          }),
        write: (next) =>
          inTurn(() => {
            fails(0.03)
            text = next
            fails(0.03)
          }),
        pull() {
          isPulled = true
        },
      }
    },
  }
}

/** Who asked is gone. */
const NEVER = Symbol()

const byGeneration = (one: string, other: string): number => generationOf(one) - generationOf(other)

/** No generation was ever given out as two tokens, or presented with two keys; and none is missing. */
function expectOneLine({ answered }: ChaoticProxy): void {
  const tokens = new Map<number, Set<string>>()
  const keys = new Map<number, Set<string>>()
  const note = (of: Map<number, Set<string>>, generation: number, value: string): void =>
    void of.set(generation, (of.get(generation) ?? new Set()).add(value))
  for (const { presented, key, body } of answered) {
    note(tokens, generationOf(presented), presented)
    note(keys, generationOf(presented), key)
    note(tokens, generationOf(body.refresh_token ?? ''), body.refresh_token ?? '')
  }
  for (const [generation, each] of tokens) expect(each.size, `tokens of generation ${generation}`).to.equal(1)
  for (const [generation, each] of keys) expect(each.size, `keys of generation ${generation}`).to.equal(1)
  expect(tokens.size, 'generations').to.equal(Math.max(...tokens.keys()) + 1)
}

/** Else the test would say nothing. */
function expectChaos(devices: readonly Device[]): void {
  const all = devices.flatMap(({ proxy }) => [...proxy.fates])
  const names = new Set(all.map(([name]) => name))
  expect(names.size).to.equal(18)
  for (const name of names) {
    const times = all.reduce((sum, [each, count]) => sum + (each === name ? count : 0), 0)
    expect(times, name).to.be.above(REFRESHES / 500)
  }
}

const sessionsOf = ({ hallpass }: TestServer, { userId }: Session) =>
  hallpass.store.database.query(
    statement<{ id: string; generation: string; revoked_at: Date | null }>(
      'test.sessions_of',
      'select id, generation, revoked_at from sessions where user_id = $1::uuid',
    ),
    [userId],
  )

async function reuses({ hallpass }: TestServer): Promise<number> {
  const count = statement<{ count: number }>(
    'test.reuses',
    `select count(*)::int as count from events where reason = 'token_reuse'`,
  )
  return (await hallpass.store.database.query(count, []))[0]?.count ?? NaN
}
