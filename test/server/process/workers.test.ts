import { once } from 'node:events'
import { get } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { makeServiceKey, type Key } from '../../support/api-keys.ts'
import { beginSignIn, readiness, readinessAtTheEnd } from '../../support/begun-sign-in.ts'
import { CredentialStore, Device, presentAt } from '../../support/device.ts'
import { connectTo } from '../../support/held.ts'
import { aSignedInPerson, callSessions, send } from '../../support/people.ts'
import { sharedPostgres } from '../../support/postgres.ts'
import { runCli, startProcess, type ServerProcess } from '../../support/processes.ts'
import { eventually, followFromNow } from '../../support/revocation-feed.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { createSession, createUser } from '../../support/sessions.ts'

const WORKERS = 3
const SOMEWHERE = 'postgresql://hallpass@127.0.0.1:1/hallpass'

interface Line {
  readonly msg: string
  readonly event?: string
  readonly worker?: number
  readonly pid?: number
  readonly workers?: number
}

const linesOf = (process: ServerProcess): Line[] =>
  process
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)

/** The process of each worker, as it said last that it listens. */
const workersOf = (process: ServerProcess): Map<number, number> =>
  new Map(
    linesOf(process)
      .filter(({ msg, worker }) => msg === 'listening' && worker !== undefined)
      .map(({ worker = 0, pid = 0 }) => [worker, pid]),
  )

/** On a connection of its own. */
const askOnce = ({ url }: ServerProcess): Promise<number | 'cut'> =>
  new Promise((resolve) => {
    const asked = get(`${url}/healthz`, { agent: false }, (response) => resolve(response.resume().statusCode ?? 0))
    asked.once('error', () => resolve('cut'))
  })

const isSettled = (work: Promise<unknown>): Promise<boolean> =>
  Promise.race([work.then(() => true), sleep(10).then(() => false)])

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a server with several workers', function () {
  this.timeout(120_000)
  let databaseUrl: string
  let aside: TestServer
  let server: ServerProcess

  const start = async (): Promise<ServerProcess> => {
    const started = await startProcess(databaseUrl, { HALLPASS_WORKERS: String(WORKERS) })
    await eventually(() => workersOf(started).size === WORKERS)
    return started
  }

  before(async () => {
    databaseUrl = await (await sharedPostgres()).createDatabase()
    server = await start()
    aside = await startServer('postgresql', { DATABASE_URL: databaseUrl })
  })
  beforeEach(async () => {
    if (!server.isAlive()) server = await start()
  })
  after(async () => {
    await server.kill()
    await aside.stop()
    await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  it('migrates once, has one signing key, and says once where all of them listen', async () => {
    const lines = linesOf(server)
    const migrated = lines.filter(({ msg }) => msg === 'migrated')
    expect(new Set(migrated.map(({ worker }) => worker))).to.deep.equal(new Set([1]))
    const sql = await connectTo(databaseUrl)
    expect(await sql.query('select kid from signing_keys')).to.have.length(1)
    await sql.end()
    expect(lines.filter(({ msg, worker }) => msg === 'listening' && worker === undefined)).to.have.length(1)
    expect(lines.find(({ workers }) => workers !== undefined)).to.include({ msg: 'listening', workers: WORKERS })
  })

  it('deals connections out to all of them, and each line of the log says who wrote it', async () => {
    const answeredBy = () => new Set(linesOf(server).flatMap(({ msg, worker }) => (msg === 'request' ? [worker] : [])))
    for (let count = 0; count < 2 * WORKERS; count += 1) await askOnce(server)
    await eventually(() => answeredBy().size === WORKERS)
    expect([...answeredBy()]).to.have.members([1, 2, 3])
  })

  it('tells every follower of the feed what any worker revoked', async () => {
    const api: Key = await makeServiceKey(aside, 'revocations:read')
    const followers = await Promise.all(Array.from({ length: 2 * WORKERS }, () => followFromNow(server.url, api)))
    for (let round = 0; round < WORKERS; round += 1) {
      const person = await aSignedInPerson(server.url)
      expect((await callSessions(server.url, 'DELETE', '/current', person.accessToken)).status).to.equal(204)
      await Promise.all(followers.map((follower) => follower.until(() => follower.sids.has(person.sessionId))))
    }
    for (const follower of followers) follower.close()
  })

  it('replaces one that is killed, while the others go on, and no device is signed out', async () => {
    const pid = workersOf(server).get(1) ?? 0
    let answers = 0
    let killed = false
    const devices = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { refreshToken } = await createSession(aside, await createUser(aside))
        return new Device(new CredentialStore(refreshToken), async (credential) => {
          const answer = await presentAt(server.url, credential)
          if (answer.kind !== 'unanswered') answers += 1
          if (answers === 60 && !killed) killed = process.kill(pid, 'SIGKILL')
          return answer
        })
      }),
    )
    await Promise.all(
      devices.map(async (device) => {
        for (let each = 0; each < 10; each += 1) await device.refresh()
      }),
    )
    expect(devices.flatMap(({ refusal }) => refusal ?? [])).to.be.empty

    await eventually(() => workersOf(server).get(1) !== pid)
    const ended = linesOf(server).filter(({ event }) => event === 'worker_ended')
    expect(ended).to.have.length(1)
    expect(ended[0]).to.include({ level: 50, of_worker: 1, pid, signal: 'SIGKILL' })
  })

  it('leaves no connection unanswered that was dealt to one which then dies', async () => {
    const pid = workersOf(server).get(2) ?? 0
    process.kill(pid, 'SIGSTOP') // it takes none any more, and cannot say so
    const open = Array.from({ length: 2 * WORKERS }, () => askOnce(server))
    await eventually(async () => (await Promise.all(open.map(isSettled))).filter(Boolean).length === open.length - 1)
    process.kill(pid, 'SIGKILL')
    expect((await Promise.all(open)).filter((answer) => answer !== 200)).to.deep.equal(['cut'])
    await eventually(() => workersOf(server).get(2) !== pid)
  })

  it('lets one finish that is told to stop, and replaces it', async () => {
    const before = workersOf(server)
    // One of them has each of these.
    const begun = Array.from({ length: WORKERS }, () => beginSignIn(server, ['Connection: close']))
    const requests = await Promise.all(begun)
    process.kill(before.get(2) ?? 0, 'SIGTERM')
    await eventually(() => linesOf(server).some(({ msg, worker }) => msg === 'stopping' && worker === 2))
    for (const request of requests) expect(await request.finish()).to.match(/^HTTP\/1\.1 401 /)
    await eventually(() => workersOf(server).get(2) !== before.get(2))
    expect(await readiness(server)).to.equal(200)
  })

  it('ends with its workers when it is killed', async () => {
    const pids = [...workersOf(server).values()]
    await server.kill()
    await eventually(() => !pids.some(isAlive))
  })

  describe('that is told to stop', () => {
    it('is ready no more, while it still answers for a moment, and exits 0 with all workers gone', async () => {
      const pids = [...workersOf(server).values()]
      const exit = server.stop()
      expect(await readinessAtTheEnd(server)).to.deep.equal([503, 'refused'])
      expect(await exit).to.equal(0)
      expect(pids.some(isAlive)).to.equal(false)
    })

    it('finishes what is in flight in each of them', async () => {
      const requests = await Promise.all(Array.from({ length: WORKERS }, () => beginSignIn(server)))
      const exit = server.stop()
      await sleep(1_500)
      for (const request of requests) expect(await request.finish()).to.match(/^HTTP\/1\.1 401 /)
      expect(await exit).to.equal(0)
    })

    it('finishes it also where every process of it gets the signal, as systemd does it', async () => {
      const request = await beginSignIn(server)
      for (const pid of workersOf(server).values()) process.kill(pid, 'SIGTERM')
      const exit = server.stop()
      await sleep(500)
      expect(await request.finish()).to.match(/^HTTP\/1\.1 401 /)
      expect(await exit).to.equal(0)
    })

    it('and by Ctrl-C, which the terminal sends to all of them', async () => {
      const request = await beginSignIn(server)
      for (const pid of [...workersOf(server).values(), server.pid]) process.kill(pid, 'SIGINT')
      await eventually(() => linesOf(server).filter(({ msg }) => msg === 'stopping').length === 1 + WORKERS)
      expect(await request.finish()).to.match(/^HTTP\/1\.1 401 /)
      await eventually(() => !server.isAlive())
      expect(linesOf(server).at(-1)?.msg).to.equal('stopped')
    })

    it('ends at once at a second signal, and so do its workers', async () => {
      const pids = [...workersOf(server).values()]
      const { socket } = await beginSignIn(server)
      void server.stop()
      await sleep(200)
      expect(await server.stop()).to.equal(1)
      await eventually(() => !pids.some(isAlive))
      socket.destroy()
    })
  })
})

describe('several workers that cannot start', function () {
  this.timeout(60_000)
  const serve = (environment: Record<string, string>) =>
    runCli(SOMEWHERE, ['serve'], { HALLPASS_WORKERS: '3', ...environment })

  it('say once what is wrong with the settings', async () => {
    const { code, output } = await serve({ HALLPASS_SECRET: 'changeme', HALLPASS_IDLE_TTL: '30' })
    expect(code).to.equal(1)
    expect(output.match(/HALLPASS_SECRET/g)).to.have.length(1)
    expect(output).to.include('HALLPASS_IDLE_TTL').and.not.include('changeme')
  })

  it('say once that the database is away', async () => {
    const { code, output } = await serve({})
    expect(code).to.equal(1)
    expect(output.match(/Hallpass cannot start/g)).to.have.length(1)
    expect(output)
      .to.include('ECONNREFUSED')
      .and.not.match(/^\s+at /m)
  })

  it('say once that the port is taken', async () => {
    const databaseUrl = await (await sharedPostgres()).createDatabase()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const PORT = String((taken.address() as AddressInfo).port)
    const { code, output } = await runCli(databaseUrl, ['serve'], { HALLPASS_WORKERS: '3', PORT })
    expect(code).to.equal(1)
    expect(output.match(/Hallpass cannot start.*EADDRINUSE/g)).to.have.length(1)
    taken.close()
    await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  it('are a mistake on the embedded store, which is one process', async () => {
    const { code, output } = await runCli('', ['serve'], { HALLPASS_DATA_DIR: 'memory://', HALLPASS_WORKERS: '2' })
    expect(code).to.equal(1)
    expect(output).to.include('HALLPASS_WORKERS must be 1 with the embedded store')
  })

  it('are told what to do by `serve` alone', async () => {
    const { output } = await runCli(SOMEWHERE, ['--help'])
    expect(output).to.not.include('worker')
  })
})

describe('as many workers as there are cores', () => {
  it('are one on the embedded store', async function () {
    this.timeout(60_000)
    const server = await startProcess('', {
      HALLPASS_DATA_DIR: 'memory://',
      HALLPASS_WORKERS: 'auto',
      SMTP_URL: '',
      HALLPASS_MAIL_FROM: '',
    })
    expect(linesOf(server).find(({ msg }) => msg === 'listening')).to.include({ store: 'embedded' })
    expect(linesOf(server).flatMap(({ worker }) => worker ?? [])).to.be.empty
    expect((await send(`${server.url}/readyz`)).status).to.equal(200)
    expect(await server.stop()).to.equal(0)
  })
})
