import { expect } from 'chai'
import { statement, type Database } from '../../../src/server/database/database.ts'
import { RateLimited, Unavailable } from '../../../src/server/errors.ts'
import { createLog } from '../../../src/server/log.ts'
import { clearExpired } from '../../../src/server/rate-limits/clearing.ts'
import { createRateLimits, type RateLimits } from '../../../src/server/rate-limits/rate-limits.ts'
import { createRing } from '../../../src/server/tokens/ring.ts'
import { anAddress } from '../../support/people.ts'
import { onBothStores, onStore, TEST_SECRET, type TestServer } from '../../support/server.ts'
import { createSession, createUser } from '../../support/sessions.ts'

const MINUTE = 60_000

describe('Rate limits', () => {
  const open: RateLimits[] = []
  const onDatabase = (database: Database, isOn = true): RateLimits => {
    const limits = createRateLimits({ database, ring: createRing(TEST_SECRET), isOn, log: createLog('silent') })
    open.push(limits)
    return limits
  }
  const on = ({ hallpass }: TestServer): RateLimits => onDatabase(hallpass.store.database)
  afterEach(() => {
    for (const limits of open.splice(0)) limits.close()
  })

  onBothStores((server) => {
    it('let ten tries at an account pass in 15 minutes, from wherever they come', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
      const refusal = await refused(limits.beforeSignIn(address, anIp()))
      expect(refusal).to.include({ policy: 'sign-in-account', quota: 10, window: 900 })
      expect(refusal.retryAfter).to.be.within(890, 900)
    })

    it('take every spelling of an address for one account', async () => {
      const limits = on(server())
      const address = anAddress()
      const spellings = [address, address.toUpperCase(), ` ${address}`, address.replace('example', 'EXAMPLE')]
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(spellings[turn % 4] ?? '', anIp())
      for (const spelling of spellings) await refused(limits.beforeSignIn(spelling, anIp()))
    })

    it('count what is no address for itself', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(`${address}, nobody`, anIp())
      await refused(limits.beforeSignIn(`${address}, nobody`, anIp()))
      await limits.beforeSignIn(address, anIp())
    })

    it('let a hundred tries pass from a network in 15 minutes, whichever account they are at', async () => {
      const limits = on(server())
      const ip = anIp()
      for (let turn = 0; turn < 100; turn += 1) await limits.beforeSignIn(anAddress(), ip)
      const address = anAddress()
      const refusal = await refused(limits.beforeSignIn(address, ip))
      expect(refusal).to.include({ policy: 'sign-in-network', quota: 100, window: 900 })
      for (let turn = 0; turn < 20; turn += 1) await refused(limits.beforeSignIn(address, ip))
      await limits.beforeSignIn(address, anIp()) // who is refused takes nothing from the account
    })

    it('count a /64 as one network, and whoever has no address as one more', async () => {
      const limits = on(server())
      const prefix = `2001:db8:${Math.floor(Math.random() * 0xffff).toString(16)}:1`
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeRegistration(`${prefix}::${turn.toString(16)}`)
      await refused(limits.beforeRegistration(`${prefix}:ffff::1`))

      for (let turn = 0; turn < 10; turn += 1) await limits.beforeRegistration(null)
      await refused(limits.beforeRegistration(null))
    })

    it('evaluate ten of many tries that arrive at once', async () => {
      const limits = on(server())
      const address = anAddress()
      // So few that all of them get a connection in time: otherwise the rest would be counted in memory, anew.
      const tries = Array.from({ length: 60 }, () => limits.beforeSignIn(address, anIp()))
      const results = await Promise.allSettled(tries)
      expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(10)
    })

    it('give back what a sign-in took that succeeded, of its own account only', async () => {
      const limits = on(server())
      const ip = anIp()
      const [own, others] = [anAddress(), anAddress()]
      for (let turn = 0; turn < 10; turn += 1) {
        for (let wrong = 0; wrong < 9; wrong += 1) await limits.beforeSignIn(own, ip)
        const attempt = await limits.beforeSignIn(own, ip)
        await attempt.succeeded()
        await limits.beforeSignIn(others, anIp())
      }
      await refused(limits.beforeSignIn(others, anIp()))
      // Ninety wrong ones are counted for the network; the ten good ones are not.
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(anAddress(), ip)
      await refused(limits.beforeSignIn(anAddress(), ip))
    })

    it('let the networks in from which the account was used before, while it is locked for all others', async () => {
      const limits = on(server())
      const { address, home } = await somebodyAtHome(server())
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
      await refused(limits.beforeSignIn(address, anIp()))

      const attempt = await limits.beforeSignIn(address, home)
      await attempt.succeeded()
      await refused(limits.beforeSignIn(address, anIp())) // the lock stays for those outside
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, home)
      const refusal = await refused(limits.beforeSignIn(address, home))
      expect(refusal).to.include({ policy: 'sign-in-account', quota: 10, window: 900 })
    })

    it('do not take what was typed for somebody else’s account and network', async () => {
      const limits = on(server())
      const { address, home } = await somebodyAtHome(server())
      for (const typed of [`${address} ${home}/32`, `${address}\u2028${home}/32`, `${address}","${home}/32`]) {
        for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(typed, anIp())
      }
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
      await limits.beforeSignIn(address, home)
    })

    it('forgive whoever proved the mailbox', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
      await refused(limits.beforeSignIn(address, anIp()))
      await limits.forgive(address.toUpperCase())
      await limits.beforeSignIn(address, anIp())
    })

    it('forget whoever is erased', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
      for (let turn = 0; turn < 10; turn += 1) await limits.beforePasswordCheck('erased')
      await limits.forget('erased', address)
      await limits.beforeSignIn(address, anIp())
      await limits.beforePasswordCheck('erased')
    })

    it('let a person confirm a password wrongly ten times', async () => {
      const limits = on(server())
      for (let turn = 0; turn < 9; turn += 1) await limits.beforePasswordCheck('ada')
      const attempt = await limits.beforePasswordCheck('ada')
      const refusal = await refused(limits.beforePasswordCheck('ada'))
      expect(refusal).to.include({ policy: 'password-check', quota: 10, window: 900 })
      await limits.beforePasswordCheck('grace')
      await attempt.succeeded()
      await limits.beforePasswordCheck('ada')
    })

    it('keep a mailbox from being flooded, each purpose for itself', async () => {
      const limits = on(server())
      const address = anAddress()
      await limits.beforeMail('reset', address, anIp())
      const refusal = await refused(limits.beforeMail('reset', address.toUpperCase(), anIp()))
      expect(refusal).to.include({ policy: 'mail-address', quota: 1, window: 60 })
      await limits.beforeMail('magic_link', address, anIp())
    })

    it('keep a network from flooding many mailboxes', async () => {
      const limits = on(server())
      const ip = anIp()
      for (const purpose of ['reset', 'magic_link', 'confirm']) await limits.beforeMail(purpose, anAddress(), ip)
      const refusal = await refused(limits.beforeMail('reset', anAddress(), ip))
      expect(refusal).to.include({ policy: 'mail-network', quota: 3, window: 60 })
    })

    it('let a network try thirty mail tokens in five minutes', async () => {
      const limits = on(server())
      const ip = anIp()
      for (let turn = 0; turn < 30; turn += 1) await limits.beforeEmailToken(ip)
      const refusal = await refused(limits.beforeEmailToken(ip))
      expect(refusal).to.include({ policy: 'email-token', quota: 30, window: 300 })
      await limits.beforeEmailToken(anIp())
    })

    it('let everything pass when they are off', async () => {
      const limits = onDatabase(server().hallpass.store.database, false)
      const [address, ip] = [anAddress(), anIp()]
      for (let turn = 0; turn < 200; turn += 1) {
        await limits.beforeSignIn(address, ip)
        await limits.beforeRegistration(ip)
        await limits.beforeMail('reset', address, ip)
        limits.beforeRefresh('a session')
      }
    })
  })

  onStore('postgresql', (server) => {
    const query = <Row>(name: string, text: string, values: (string | number)[] = []): Promise<Row[]> =>
      server().hallpass.store.database.query(statement<Row>(`test.${name}`, text), values)
    /** As if so much time had passed. */
    const age = (milliseconds: number) =>
      query('age', 'update rate_limits set expire = expire - $1::bigint', [milliseconds])

    it('begin anew when the window is over, and not before', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
      await age(14 * MINUTE)
      const refusal = await refused(limits.beforeSignIn(address, anIp()))
      expect(refusal.retryAfter).to.be.within(50, 60)
      await age(MINUTE)
      await limits.beforeSignIn(address, anIp())
    })

    it('let a patient guesser have a hundred tries at an account in 24 hours', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let window = 0; window < 10; window += 1) {
        for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
        // Those that are refused take nothing from the hundred.
        for (let turn = 0; turn < 5; turn += 1) await refused(limits.beforeSignIn(address, anIp()))
        await age(15 * MINUTE)
      }
      const refusal = await refused(limits.beforeSignIn(address, anIp()))
      expect(refusal).to.include({ policy: 'sign-in-account-daily', quota: 100, window: 86_400 })
      expect(refusal.retryAfter).to.be.within(86_400 - 9_060, 86_400 - 9_000)
    })

    it('tell the longest time to wait, where several are reached', async () => {
      const limits = on(server())
      const address = anAddress()
      for (let window = 0; window < 10; window += 1) {
        for (let turn = 0; turn < 10; turn += 1) await limits.beforeSignIn(address, anIp())
        if (window < 9) await age(15 * MINUTE)
      }
      expect(await refused(limits.beforeSignIn(address, anIp()))).to.include({ policy: 'sign-in-account-daily' })
    })

    it('keep five mails an hour for an address, and thirty for a network', async () => {
      const limits = on(server())
      const [address, ip] = [anAddress(), anIp()]
      for (let turn = 0; turn < 5; turn += 1) {
        await limits.beforeMail('reset', address, anIp())
        await age(MINUTE)
      }
      const hourly = await refused(limits.beforeMail('reset', address, anIp()))
      expect(hourly).to.include({ policy: 'mail-address-hourly', quota: 5, window: 3_600 })

      for (let turn = 0; turn < 30; turn += 1) {
        await limits.beforeMail('reset', anAddress(), ip)
        if (turn % 3 === 2) await age(MINUTE)
      }
      const ofNetwork = await refused(limits.beforeMail('reset', anAddress(), ip))
      expect(ofNetwork).to.include({ policy: 'mail-network-hourly', quota: 30, window: 3_600 })
    })

    it('are shared by processes', async () => {
      const [one, other] = [on(server()), on(server())]
      const address = anAddress()
      for (let turn = 0; turn < 5; turn += 1) {
        await one.beforeSignIn(address, anIp())
        await other.beforeSignIn(address, anIp())
      }
      await refused(one.beforeSignIn(address, anIp()))
      await refused(other.beforeSignIn(address, anIp()))
    })

    it('leave nothing in the table that tells who knocked', async () => {
      const limits = on(server())
      const address = anAddress()
      await limits.beforeSignIn(address, '198.51.100.77')
      await limits.beforePasswordCheck('01a20232-55b2-734f-8795-584a8f71cdd3')
      const keys = (await query<{ key: string }>('keys', 'select key from rate_limits')).map(({ key }) => key)
      expect(keys).to.not.be.empty
      for (const key of keys) expect(key).to.match(/^[a-z-]+:[\w-]{22}$/)
    })

    it('leave no row when their windows are over', async () => {
      const limits = on(server())
      await limits.beforeRegistration(anIp())
      await age(24 * 60 * MINUTE)
      await limits.beforeEmailToken(anIp())
      await clearExpired(server().hallpass.store.database, AbortSignal.timeout(60_000))
      const keys = await query<{ key: string }>('keys', 'select key from rate_limits')
      expect(keys).to.have.length(1)
      expect(keys[0]?.key).to.match(/^email-token:/)
    })

    it('are kept in memory while the store fails', async () => {
      const { database } = server().hallpass.store
      const failing: Database = { ...database, query: () => Promise.reject(new Unavailable('the connection was lost')) }
      const limits = onDatabase(failing)
      const ip = anIp()
      for (let turn = 0; turn < 30; turn += 1) await limits.beforeEmailToken(ip)
      await refused(limits.beforeEmailToken(ip))
      const attempt = await limits.beforeSignIn(anAddress(), anIp())
      await attempt.succeeded()
    })

    it('ask a store that failed once, and not for every bucket', async () => {
      let count = 0
      const query = (): Promise<never> => {
        count += 1
        return Promise.reject(new Unavailable('timeout exceeded when trying to connect'))
      }
      const limits = onDatabase({ ...server().hallpass.store.database, query })
      for (let turn = 0; turn < 5; turn += 1) await limits.beforeRegistration(anIp())
      // The first two are asked for at once.
      expect(count).to.be.within(1, 2)
    })
  })
})

/** A person with a session from a network that is theirs. */
async function somebodyAtHome(server: TestServer): Promise<{ address: string; home: string }> {
  const [address, home, userId] = [anAddress(), anIp(), await createUser(server)]
  await server.hallpass.store.database.query(
    statement('test.give_address', 'update users set email = $2::text, email_canonical = $2::text where id = $1::uuid'),
    [userId, address],
  )
  await createSession(server, userId, { ip: home })
  return { address, home }
}

let ips = 0
/** One that nobody had before. */
const anIp = (): string => {
  ips += 1
  return `10.${ips >> 16}.${(ips >> 8) & 255}.${ips & 255}`
}

async function refused(work: Promise<unknown>): Promise<RateLimited> {
  const outcome = await work.then(
    () => 'nothing refused it',
    (error: unknown) => error,
  )
  expect(outcome).to.be.instanceOf(RateLimited)
  return outcome as RateLimited
}
