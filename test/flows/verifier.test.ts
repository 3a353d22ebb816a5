import { expect } from 'chai'
import { once } from 'node:events'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { paths } from '../../src/protocol/paths.ts'
import { listen } from '../../src/server/listen.ts'
import { createLog } from '../../src/server/log.ts'
import { createServer } from '../../src/server/server.ts'
import { OPERATOR } from '../../src/server/sessions/actor.ts'
import { systemClock } from '../../src/verifier/clock.ts'
import { createVerifier, type EndReason, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import { basic, makeKey, makeServiceKey, tokenOf, type Key } from '../support/api-keys.ts'
import { changePassword, NEW_PASSWORD } from '../support/email-flows.ts'
import {
  aSignedInPerson,
  callSessions,
  claimsOf,
  PASSWORD,
  refresh,
  rotate,
  send,
  sendForm,
  signIn,
  type SignedIn,
} from '../support/people.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { eventually } from '../support/revocation-feed.ts'
import { moveTimes } from '../support/rows.ts'
import { onBothStores, startServer, TEST_ISSUER, type TestServer } from '../support/server.ts'
import { createSession, createUser } from '../support/sessions.ts'
import { refusalOf } from '../verifier/line.ts'

describe('An API with a verifier', () => {
  const open: Verifier[] = []
  // After the servers: a stream that a client breaks off leaves a connection behind, which would hold up their stop.
  after(() => {
    for (const verifier of open) verifier.close()
  })

  async function aVerifier(url: string, apiKey: Key, options: Partial<VerifierOptions> = {}): Promise<Verifier> {
    const verifier = createVerifier({
      issuer: TEST_ISSUER,
      audience: TEST_ISSUER,
      serviceUrl: url,
      apiKey,
      ...options,
    })
    open.push(verifier)
    await verifier.ready()
    return verifier
  }

  const isRefused = async (verifier: Verifier, token: string, code = 'token_revoked'): Promise<boolean> =>
    (await refusalOf(verifier.verify(token))) === code

  const untilRefused = (verifier: Verifier, token: string, code?: string): Promise<void> =>
    eventually(() => isRefused(verifier, token, code))

  const untilFollowing = (verifier: Verifier): Promise<void> =>
    eventually(() => verifier.status().revocations?.by === 'stream')

  type Device = Omit<SignedIn, 'email'>

  /** Of somebody new, or one more of somebody; without a password, which takes its time. */
  const aDevice = async (server: TestServer, userId?: string): Promise<Device> =>
    createSession(server, userId ?? (await createUser(server)))

  onBothStores((server) => {
    let api: Key
    let verifier: Verifier
    before(async () => {
      api = await makeServiceKey(server(), 'revocations:read introspect')
      verifier = await aVerifier(server().url, api)
      await untilFollowing(verifier)
    })

    const call = (method: string, path: string, token: string) => callSessions(server().url, method, path, token)

    it('knows who it is that has signed in', async () => {
      const { accessToken, userId, sessionId } = await aSignedInPerson(server().url)
      const claims = await verifier.verify(`Bearer ${accessToken}`)
      expect(claims).to.deep.equal(claimsOf(accessToken))
      expect(claims).to.include({ sub: userId, sid: sessionId, iss: TEST_ISSUER })
      expect(verifier.status().revocations).to.include({ isStale: false })
    })

    it('is none of another audience', async () => {
      const other = await aVerifier(server().url, api, { follow: 'poll', audience: 'https://other.example' })
      const { accessToken } = await aDevice(server())
      expect(await refusalOf(other.verify(accessToken))).to.equal('token_audience')
    })

    describe('refuses a token as soon as', () => {
      const WAYS: Record<string, (device: Device, other: Device) => Promise<number>> = {
        'its device has signed out': async ({ accessToken }) => (await call('DELETE', '/current', accessToken)).status,
        'its device has signed out by its refresh token': async ({ refreshToken }) =>
          (await sendForm(server().url + paths.revoke, { token: refreshToken })).status,
        'another device has signed it out': async ({ sessionId }, { accessToken }) =>
          (await call('DELETE', `/${sessionId}`, accessToken)).status,
        'another device has signed out all others': async (_, { accessToken }) =>
          (await call('DELETE', '?except=current', accessToken)).status,
        'another device has signed out all': async (_, { accessToken }) =>
          (await call('DELETE', '', accessToken)).status,
        'somebody else used a copy of its refresh token': async (device) => {
          const [first] = await rotate(server().url, { ...device, email: '' }, 2)
          await moveTimes(server(), device, { rotated_at: -1000 })
          return (await refresh(server().url, first)).body.reason === 'token_reuse' ? 200 : 500
        },
      }
      for (const [name, end] of Object.entries(WAYS)) {
        it(name, async () => {
          const device = await aDevice(server())
          const other = await aDevice(server(), device.userId)
          const stranger = await aDevice(server())
          const heard: EndReason[] = []
          verifier.onEnd(await verifier.verify(device.accessToken), (reason) => void heard.push(reason))
          expect(await end(device, other)).to.be.oneOf([200, 204])
          await untilRefused(verifier, device.accessToken)
          expect(heard).to.deep.equal(['revoked'])
          expect(await refusalOf(verifier.verify(stranger.accessToken)), 'and nobody else’s').to.equal(null)
        })
      }

      it('the password was changed elsewhere, and not there where it was changed', async () => {
        const device = await aSignedInPerson(server().url)
        const other = await signIn(server().url, device.email)
        await changePassword(server().url, device.accessToken, PASSWORD, NEW_PASSWORD)
        await untilRefused(verifier, other.accessToken)
        expect(await refusalOf(verifier.verify(device.accessToken))).to.equal(null)
      })

      it('the API key is revoked that it was made with', async () => {
        const { accessToken } = await aDevice(server())
        const key = await makeKey(server().url, accessToken)
        const token = await tokenOf(server().url, key)
        expect(await verifier.verify(token)).to.include({ sid: key.id })
        await send(`${server().url}/v1/api-keys/${key.id}`, { method: 'DELETE', token: accessToken })
        await untilRefused(verifier, token)
        expect(await refusalOf(verifier.verify(accessToken))).to.equal(null)
      })
    })

    it('lets the same person in who signs in again', async () => {
      const device = await aSignedInPerson(server().url)
      await call('DELETE', '/current', device.accessToken)
      await untilRefused(verifier, device.accessToken)
      const again = await signIn(server().url, device.email)
      expect(await refusalOf(verifier.verify(again.accessToken))).to.equal(null)
    })

    it('knows by polling, too, and by asking on demand', async () => {
      for (const follow of ['poll', 'on-demand'] as const) {
        const other = await aVerifier(server().url, api, { follow, pollInterval: 0.05 })
        const device = await aDevice(server())
        expect(await refusalOf(other.verify(device.accessToken))).to.equal(null)
        await call('DELETE', '/current', device.accessToken)
        await untilRefused(other, device.accessToken)
        expect(other.status().revocations).to.include({ by: follow, isStale: false })
      }
    })

    it('follows keys that change: signing with a new one, and an old one withdrawn', async () => {
      // A stream says it with its next horizon, which may be five seconds from now.
      const other = await aVerifier(server().url, api, { follow: 'poll', pollInterval: 0.05 })
      const { keys } = server().hallpass
      const device = await aDevice(server())
      const { kid: old } = keys.active()
      expect(await refusalOf(other.verify(device.accessToken))).to.equal(null)

      const { kid } = await keys.rotate({ immediately: true })
      const renewed = await refresh(server().url, device.refreshToken)
      expect(await refusalOf(other.verify(renewed.body.access_token)), 'by its unknown kid').to.equal(null)
      expect(await refusalOf(other.verify(device.accessToken)), 'and the one before').to.equal(null)
      await eventually(() => other.status().keys.kids.includes(kid))

      expect(await keys.revoke(old)).to.equal(true)
      await untilRefused(other, device.accessToken, 'key_unknown')
      expect(other.status().keys.kids).not.to.include(old)
      expect(await refusalOf(other.verify(renewed.body.access_token))).to.equal(null)
    })

    describe('that hears nothing of revocations', () => {
      const deaf: Partial<VerifierOptions> = {
        onStale: 'introspect',
        fetch: (url, init) =>
          url.includes(paths.revocations) ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init),
      }

      async function aDeafVerifier(apiKey: Key): Promise<Verifier> {
        const verifier = createVerifier({
          issuer: TEST_ISSUER,
          audience: TEST_ISSUER,
          serviceUrl: server().url,
          apiKey,
          ...deaf,
        })
        open.push(verifier)
        expect(await refusalOf(verifier.ready())).to.equal('revocations_unknown')
        return verifier
      }

      it('asks the service about each token, if it is told to', async () => {
        const verifier = await aDeafVerifier(api)
        const device = await aDevice(server())
        expect(await refusalOf(verifier.verify(device.accessToken))).to.equal(null)
        await call('DELETE', '/current', device.accessToken)
        expect(await refusalOf(verifier.verify(device.accessToken))).to.equal('token_revoked')
      })

      it('needs a key for that which may', async () => {
        const verifier = await aDeafVerifier(await makeServiceKey(server(), 'revocations:read'))
        const { accessToken } = await aDevice(server())
        expect(await refusalOf(verifier.verify(accessToken))).to.equal('revocations_unknown')
      })
    })

    it('checks tokens although its key does not let it follow, and is told so', async () => {
      const failures: unknown[] = []
      const wrong = await makeServiceKey(server(), 'introspect')
      const revoked = await makeServiceKey(server(), 'revocations:read')
      await server().hallpass.apiKeys.revoke(null, revoked.id, OPERATOR)
      const { accessToken } = await aDevice(server())
      for (const [apiKey, status] of [
        [wrong, 403],
        [revoked, 401],
      ] as const) {
        const verifier = createVerifier({
          issuer: TEST_ISSUER,
          audience: TEST_ISSUER,
          serviceUrl: server().url,
          apiKey,
          onFailure: (error) => void failures.push(error),
        })
        open.push(verifier)
        await eventually(() => failures.some((each) => (each as { status?: number }).status === status))
        expect(await refusalOf(verifier.verify(accessToken))).to.equal(null)
        expect(await refusalOf(verifier.verify(accessToken, { onStale: 'reject' }))).to.equal('revocations_unknown')
      }
      expect(failures.map(String).join()).not.to.include(wrong.key)
    })

    it('loses the feed when its key is revoked, and says so', async () => {
      const key = await makeServiceKey(server(), 'revocations:read')
      const failures: unknown[] = []
      const verifier = await aVerifier(server().url, key, { onFailure: (error) => void failures.push(error) })
      await untilFollowing(verifier)
      await server().hallpass.apiKeys.revoke(null, key.id, OPERATOR)
      await eventually(() => failures.some((each) => (each as { status?: number }).status === 401))
      expect(verifier.status().revocations).to.include({ by: 'nothing' })
    })
  })

  /** Time that an outage would last leaps by: nothing waits for it. */
  function aLeapingClock() {
    let leapt = 0
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + leapt }
    return { clock, leap: (seconds: number) => void (leapt += seconds * 1000) }
  }

  describe('when the database is down', () => {
    let gate: Gate
    let server: TestServer
    before(async function () {
      this.timeout(60_000)
      gate = await aGate(await (await sharedPostgres()).createDatabase())
      server = await startServer('postgresql', { DATABASE_URL: gate.url })
    })
    after(async () => {
      await server.stop()
      await gate.shut()
      await (await sharedPostgres()).dropDatabase(gate.behind)
    })

    it('goes on, knows that it is stale, and catches up when it is back', async () => {
      const { url } = server
      const api = await makeServiceKey(server, 'revocations:read introspect')
      const { clock, leap } = aLeapingClock()
      const verifier = await aVerifier(url, api, { clock })
      await untilFollowing(verifier)
      const [seen, unseen] = [await aDevice(server), await aDevice(server)]
      await verifier.verify(seen.accessToken)

      await gate.shut()
      expect((await send(`${url}${paths.revocations}`, { headers: basic(api) })).status).to.equal(503)
      leap(31)
      expect(verifier.status().revocations).to.include({ isStale: true })
      for (const { accessToken } of [seen, unseen]) {
        expect(await refusalOf(verifier.verify(accessToken))).to.equal(null)
        for (const onStale of ['reject', 'introspect'] as const)
          expect(await refusalOf(verifier.verify(accessToken, { onStale }))).to.equal('revocations_unknown')
      }

      await gate.open()
      await eventually(async () => (await callSessions(url, 'DELETE', '/current', seen.accessToken)).status === 204)
      await untilRefused(verifier, seen.accessToken)
      await eventually(async () => {
        leap(5) // after a failure nobody asks again at once
        return (await refusalOf(verifier.verify(unseen.accessToken, { onStale: 'reject' }))) === null
      })
      expect(verifier.status().revocations).to.include({ isStale: false })
    })
  })

  describe('when the service is stopped and started again', () => {
    let other: TestServer
    before(async function () {
      this.timeout(60_000)
      other = await startServer('postgresql')
    })
    after(() => other.stop())

    it('goes on, and knows what was revoked meanwhile through another process', async () => {
      const first = await startServer('postgresql', { DATABASE_URL: other.databaseUrl ?? '' })
      const failures: unknown[] = []
      const verifier = await aVerifier(first.url, await makeServiceKey(other, 'revocations:read'), {
        onFailure: (error) => void failures.push(error),
      })
      await untilFollowing(verifier)
      const [leaving, staying] = [await aDevice(first), await aDevice(first)]
      for (const { accessToken } of [leaving, staying]) await verifier.verify(accessToken)

      await first.stop()
      await eventually(() => failures.length > 0)
      await callSessions(other.url, 'DELETE', '/current', leaving.accessToken)
      const { kid } = await other.hallpass.keys.rotate({ immediately: true })
      for (const { accessToken } of [leaving, staying])
        expect(await refusalOf(verifier.verify(accessToken)), 'nobody has told').to.equal(null)

      const second = await createServer(first.config, { log: createLog('silent') })
      const listening = await listen(second, '127.0.0.1', Number(new URL(first.url).port))
      try {
        await untilRefused(verifier, leaving.accessToken)
        await untilFollowing(verifier)
        expect(await refusalOf(verifier.verify(staying.accessToken))).to.equal(null)
        const renewed = await refresh(first.url, staying.refreshToken)
        expect(await refusalOf(verifier.verify(renewed.body.access_token))).to.equal(null)
        expect(verifier.status().keys.kids).to.include(kid)
      } finally {
        await listening.close()
        await second.close()
      }
    })
  })
})

/** The way to a database, which can be shut: whoever is connected is cut off, and nobody gets through. */
interface Gate {
  readonly url: string
  /** The database itself. */
  readonly behind: string
  open(): Promise<void>
  shut(): Promise<void>
}

async function aGate(behind: string): Promise<Gate> {
  const url = new URL(behind)
  const sockets = new Set<Socket>()
  const { port, hostname } = url
  const gate = createTcpServer((from) => {
    const to = connect(Number(port), hostname)
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined) // `close` follows
      socket.once('close', () => (sockets.delete(socket), other.destroy()))
      socket.pipe(other)
    }
  })
  const open = async (at = 0): Promise<void> => void (await once(gate.listen(at, '127.0.0.1'), 'listening'))
  await open()
  const own = (gate.address() as AddressInfo).port
  url.hostname = '127.0.0.1'
  url.port = String(own)
  return {
    url: url.href,
    behind,
    open: () => open(own),
    async shut() {
      const closed = once(gate, 'close')
      gate.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
