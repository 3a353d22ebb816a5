import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { beginSignIn, readiness, readinessAtTheEnd } from '../../support/begun-sign-in.ts'
import { sharedPostgres } from '../../support/postgres.ts'
import { startProcess, type ServerProcess } from '../../support/processes.ts'

describe('a server that is told to stop', () => {
  let server: ServerProcess
  let databaseUrl: string

  beforeEach(async () => {
    databaseUrl = await (await sharedPostgres()).createDatabase()
    server = await startProcess(databaseUrl)
  })
  afterEach(async () => {
    await server.kill()
    await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  it('is ready no more, while it still answers for a moment, and exits 0', async () => {
    expect(await readiness(server)).to.equal(200)
    const exit = server.stop()
    expect(await readinessAtTheEnd(server)).to.deep.equal([503, 'refused'])
    expect(await exit).to.equal(0)
  })

  it('finishes a request in flight, and closes its connection', async () => {
    const request = await beginSignIn(server)
    const exit = server.stop()
    await sleep(1_500)
    const answer = await request.finish()
    expect(answer).to.match(/^HTTP\/1\.1 401 /)
    expect(answer).to.match(/^Connection: close\r$/m)
    expect(await exit).to.equal(0)
  })

  it('closes idle keep-alive connections', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const everything = text(socket)
    await sleep(100)
    expect(await server.stop()).to.equal(0)
    expect(await everything).to.match(/^HTTP\/1\.1 200 /)
  })

  it('closes connections that were opened ahead of need, while it still finishes a request', async () => {
    const unused = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(unused, 'connect')
    const request = await beginSignIn(server)
    const exit = server.stop()
    unused.resume()
    await once(unused, 'close')
    expect(await request.finish()).to.match(/^HTTP\/1\.1 401 /)
    expect(await exit).to.equal(0)
  })

  it('waits for nobody for ever: a request that never ends is cut, and the exit code is 0 all the same', async function () {
    this.timeout(30_000)
    const { socket } = await beginSignIn(server)
    expect(await server.stop()).to.equal(0)
    socket.destroy()
  })

  it('ends at once at a second signal', async () => {
    const { socket } = await beginSignIn(server)
    void server.stop()
    await sleep(200)
    expect(server.isAlive()).to.equal(true)
    expect(await server.stop()).to.equal(1)
    socket.destroy()
  })
})
