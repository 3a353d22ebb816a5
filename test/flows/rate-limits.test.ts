import { expect } from 'chai'
import { statement } from '../../src/server/database/database.ts'
import { presentTo } from '../support/device.ts'
import { expectProblem } from '../support/expectations.ts'
import { mailsAbout } from '../support/mail.ts'
import {
  anAddress,
  callSessions,
  PASSWORD,
  refresh,
  refreshByCookie,
  register,
  send,
  signIn,
  signInByCookie,
  type Answer,
} from '../support/people.ts'
import { onBothStores, onStore, startServer, type TestServer } from '../support/server.ts'
import { sessionsBeside } from '../support/sessions.ts'

/** The tests stand behind a proxy, so that a request can come from any network. */
const BEHIND_A_PROXY = { HALLPASS_RATE_LIMITS: 'on', HALLPASS_TRUSTED_PROXIES: '127.0.0.1' }
const WRONG = 'not the passphrase at all'

describe('Whoever asks too often', () => {
  onBothStores((server) => {
    const url = () => server().url

    describe('signing in', () => {
      it('is told which limit it was, and when to come back', async () => {
        const email = anAddress()
        for (let turn = 0; turn < 10; turn += 1) expectProblem(await guess(url(), email), 401, 'invalid_credentials')
        const answer = await guess(url(), email)
        expectProblem(answer, 429, 'rate_limited')
        expect(answer.headers.get('ratelimit-policy')).to.equal('"sign-in-account";q=10;w=900')
        const retryAfter = Number(answer.headers.get('retry-after'))
        expect(retryAfter).to.be.within(800, 900).and.satisfy(Number.isInteger)
        expect(answer.headers.get('ratelimit')).to.equal(`"sign-in-account";r=0;t=${retryAfter}`)
        expect(answer.body['detail']).to.include(`wait ${retryAfter} seconds`)
      })

      it('is answered alike for an address that has an account and one that has none', async () => {
        const known = await somebody(url())
        const unknown = anAddress()
        for (let turn = 0; turn < 12; turn += 1) {
          const [one, other] = [await guess(url(), known), await guess(url(), unknown)]
          expect(comparable(one)).to.deep.equal(comparable(other))
          expect(one.status).to.equal(turn < 10 ? 401 : 429)
        }
      })

      it('learns nothing from the right password while the account is locked', async () => {
        const email = await somebody(url())
        for (let turn = 0; turn < 10; turn += 1) await guess(url(), email)
        const [wrong, right] = [await guess(url(), email), await guess(url(), email, { password: PASSWORD })]
        expect(right.status).to.equal(429)
        expect(comparable(right)).to.deep.equal(comparable(wrong))
      })

      it('may begin anew after a sign-in', async () => {
        const email = await somebody(url())
        for (const password of [WRONG, PASSWORD, WRONG]) {
          const times = password === WRONG ? 9 : 1
          for (let turn = 0; turn < times; turn += 1) {
            const { status } = await guess(url(), email, { password })
            expect(status).to.equal(password === WRONG ? 401 : 201)
          }
        }
      })

      it('made no wrong guess where there was no room for one more device', async () => {
        await server().hallpass.clients.save('full', { maxSessions: 1, atLimit: 'refuse' })
        const email = await somebody(url())
        const signInTo = (password = PASSWORD) =>
          send(`${url()}/v1/sessions`, { body: { email, password, client_id: 'full' } })
        expect((await signInTo()).status).to.equal(201)
        for (let turn = 0; turn < 12; turn += 1) expectProblem(await signInTo(), 409, 'session_limit')
        expectProblem(await signInTo(WRONG), 401, 'invalid_credentials')
      })

      it('gains nothing from signing in to an account of their own in between', async () => {
        const [victim, own] = [anAddress(), await somebody(url())]
        const ip = anIp()
        for (let turn = 0; turn < 10; turn += 1) {
          expect((await guess(url(), victim, { ip })).status).to.equal(401)
          if (turn % 3 === 0) expect((await guess(url(), own, { ip, password: PASSWORD })).status).to.equal(201)
        }
        expect((await guess(url(), victim, { ip })).status).to.equal(429)
      })

      it('cannot lock a person out of the networks they use', async () => {
        const [email, home] = [await somebody(url()), anIp()]
        await signIn(url(), email, { headers: { 'x-forwarded-for': home } })
        for (let turn = 0; turn < 11; turn += 1) await guess(url(), email)

        await signIn(url(), email, { headers: { 'x-forwarded-for': home } })
        expect((await guess(url(), email, { password: PASSWORD })).status).to.equal(429)
      })

      it('can guess no faster from a network that the person uses', async () => {
        const [email, home] = [await somebody(url()), anIp()]
        await signIn(url(), email, { headers: { 'x-forwarded-for': home } })
        for (let turn = 0; turn < 10; turn += 1) await guess(url(), email)
        for (let turn = 0; turn < 10; turn += 1) expect((await guess(url(), email, { ip: home })).status).to.equal(401)
        const answer = await guess(url(), email, { ip: home, password: PASSWORD })
        expectProblem(answer, 429, 'rate_limited')
        expect(answer.headers.get('ratelimit-policy')).to.equal('"sign-in-account";q=10;w=900')
      })
    })

    describe('registering', () => {
      it('is one client, from whichever address of their /64', async () => {
        const network = `2001:db8:0:${(Date.now() & 0xffff).toString(16)}`
        for (let turn = 0; turn < 10; turn += 1) {
          expect((await registerBadly(url(), `${network}:${turn}::${turn}`)).status).to.equal(400)
        }
        const answer = await registerBadly(url(), `${network}:ffff:ffff:ffff:ffff`)
        expectProblem(answer, 429, 'rate_limited')
        expect(answer.headers.get('ratelimit-policy')).to.equal('"registration";q=10;w=60')
        expect((await registerBadly(url(), anIp())).status).to.equal(400)
      })
    })

    describe('confirming a password', () => {
      it('has ten tries, which a right one gives back', async () => {
        const { accessToken } = await signIn(url(), await somebody(url()))
        const confirm = async (password: string): Promise<Answer> =>
          callSessions(url(), 'POST', '/current/reauthentication', accessToken, { password })
        for (let turn = 0; turn < 9; turn += 1) expect((await confirm(WRONG)).status).to.equal(401)
        expect((await confirm(PASSWORD)).status).to.equal(200)
        for (let turn = 0; turn < 10; turn += 1) expect((await confirm(WRONG)).status).to.equal(401)
        const answer = await confirm(PASSWORD)
        expectProblem(answer, 429, 'rate_limited')
        expect(answer.headers.get('ratelimit-policy')).to.equal('"password-check";q=10;w=900')
      })
    })

    describe('refreshing', () => {
      it('loses nothing: the same token works afterwards', async () => {
        const device = await signIn(url(), await somebody(url()))
        const other = await signIn(url(), device.email)
        let { refreshToken } = device
        const limited = await untilLimited(async () => {
          const answer = await refresh(url(), refreshToken)
          if (answer.status === 200) refreshToken = answer.body.refresh_token
          return answer
        })
        expect(limited.body).to.have.all.keys('error', 'error_description')
        expect(limited.body).to.include({ error: 'rate_limited' })
        expect(limited.headers.get('content-type')).to.match(/^application\/json/)
        expect(limited.headers.get('ratelimit-policy')).to.equal('"refresh";q=30;w=60')
        const retryAfter = limited.headers.get('retry-after')
        expect(Number(retryAfter)).to.be.within(1, 60)
        expect(limited.headers.get('ratelimit')).to.equal(`"refresh";r=0;t=${retryAfter}`)

        expect((await refresh(url(), other.refreshToken)).status).to.equal(200)
        const later = sessionsBeside(server(), {})
        expect(await presentTo(later, { refreshToken })).to.include({ kind: 'granted' })
      })

      it('is counted also where it is a replay', async () => {
        const { refreshToken } = await signIn(url(), await somebody(url()))
        await untilLimited(() => refresh(url(), refreshToken, { key: 'one' }))
      })

      it('keeps the cookie', async () => {
        const device = await signInByCookie(url(), await somebody(url()))
        const limited = await untilLimited(() =>
          refreshByCookie(url(), device.refreshToken, { 'idempotency-key': 'one' }),
        )
        expect(limited.headers.getSetCookie()).to.be.empty
        const exposed = limited.headers.get('access-control-expose-headers')?.split(',')
        expect(exposed).to.include.members(['Retry-After', 'RateLimit', 'RateLimit-Policy'])
      })
    })
  }, BEHIND_A_PROXY)

  describe('without a trusted proxy', () => {
    onStore(
      'embedded',
      (server) => {
        it('is one client, whatever the headers say', async () => {
          for (let turn = 0; turn < 10; turn += 1) await registerBadly(server().url, anIp())
          expect((await registerBadly(server().url, anIp())).status).to.equal(429)
          const { status } = await send(`${server().url}/v1/users`, {
            body: { email: 'nobody', password: PASSWORD },
            headers: { 'x-real-ip': anIp(), forwarded: `for=${anIp()}`, 'true-client-ip': anIp() },
          })
          expect(status).to.equal(429)
        })
      },
      { HALLPASS_RATE_LIMITS: 'on' },
    )
  })

  describe('on several servers', () => {
    onStore(
      'postgresql',
      (server) => {
        let second: TestServer
        before(async () => {
          second = await startServer('postgresql', { ...BEHIND_A_PROXY, DATABASE_URL: server().databaseUrl ?? '' })
        })
        after(() => second.stop())

        it('has the same ten guesses on all of them, however many arrive at once', async () => {
          const email = await somebody(server().url)
          const guesses = Array.from({ length: 60 }, (_, turn) =>
            guess([server(), second][turn % 2]?.url ?? '', email, turn === 59 ? { password: PASSWORD } : {}),
          )
          const statuses = (await Promise.all(guesses)).map(({ status }) => status)
          expect(statuses.filter((status) => status !== 429)).to.have.length.at.most(10)
          for (const { url } of [server(), second]) expect((await guess(url, email)).status).to.equal(429)
        })

        it('is counted by each of them while the table cannot be used', async () => {
          const rename = (from: string, to: string) =>
            server().hallpass.store.database.query(
              statement(`test.rename_${from}`, `alter table ${from} rename to ${to}`),
              [],
            )
          const email = await somebody(server().url)
          await rename('rate_limits', 'rate_limits_away')
          try {
            for (let turn = 0; turn < 10; turn += 1) {
              expect((await guess(server().url, email)).status).to.equal(401)
            }
            expect((await guess(server().url, email)).status).to.equal(429)
            await signIn(server().url, await somebody(server().url))
          } finally {
            await rename('rate_limits_away', 'rate_limits')
          }
        })
      },
      BEHIND_A_PROXY,
    )
  })

  describe('where the limits are off', () => {
    onStore(
      'embedded',
      (server) => {
        it('is not stopped', async () => {
          const email = anAddress()
          for (let turn = 0; turn < 12; turn += 1) expect((await guess(server().url, email)).status).to.equal(401)
          for (let turn = 0; turn < 12; turn += 1) {
            expect((await registerBadly(server().url, '192.0.2.1')).status).to.equal(400)
          }
        })
      },
      { HALLPASS_RATE_LIMITS: 'off' },
    )
  })
})

let ips = 0
/** One that nobody had before. */
const anIp = (): string => {
  ips += 1
  return `10.${ips >> 16}.${(ips >> 8) & 255}.${ips & 255}`
}

/** An account whose owner has not signed in yet. */
async function somebody(url: string): Promise<string> {
  const email = anAddress()
  const { status } = await send(`${url}/v1/users`, {
    body: { email, password: PASSWORD },
    headers: { 'x-forwarded-for': anIp() },
  })
  expect(status).to.equal(202)
  return email
}

/** One try to sign in, by default from somewhere new and with a wrong password. */
const guess = (url: string, email: string, { ip = anIp(), password = WRONG } = {}): Promise<Answer> =>
  send(`${url}/v1/sessions`, { body: { email, password }, headers: { 'x-forwarded-for': ip } })

/** The minute of all sessions may end while one of them is being counted, so there may be two quotas. */
async function untilLimited<Body>(refreshOnce: () => Promise<Answer<Body>>): Promise<Answer<Body>> {
  for (let count = 0; count <= 60; count += 1) {
    const answer = await refreshOnce()
    if (answer.status === 429) return answer
    expect(answer.status).to.equal(200)
  }
  throw new Error('nobody stopped it')
}

/** Counted before anything is read from it, so that it need not cost a hash. */
const registerBadly = (url: string, ip: string): Promise<Answer> =>
  send(`${url}/v1/users`, {
    body: { email: 'no address', password: PASSWORD },
    headers: { 'x-forwarded-for': ip },
  })

/** An answer without what differs from one second to the next. */
const comparable = ({ status, headers, body }: Answer) => ({
  status,
  headers: [...headers.keys()].filter((name) => name !== 'date'),
  policy: headers.get('ratelimit-policy'),
  body: { ...body, detail: String(body['detail']).replace(/\d+/, 'some') },
})

describe('The right password of an account that is not confirmed', () => {
  onBothStores(
    (server) => {
      it('shows in no limit either: what a sign-in sends by itself is counted apart', async () => {
        const email = await register(server().url)
        for (let count = 0; count < 5; count += 1) {
          const answer = await send(`${server().url}/v1/sessions`, { body: { email, password: PASSWORD } })
          expectProblem(answer, 401, 'invalid_credentials')
        }
        await mailsAbout(email, 'confirm', 6)
        const asked = await send(`${server().url}/v1/email-confirmations`, {
          body: { email },
          headers: { 'x-forwarded-for': '203.0.113.77' },
        })
        expect(asked.status).to.equal(202)
      })
    },
    { HALLPASS_RATE_LIMITS: 'on', HALLPASS_UNCONFIRMED_SIGN_IN: 'refuse', HALLPASS_TRUSTED_PROXIES: '127.0.0.1' },
  )
})
