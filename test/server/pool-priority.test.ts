import { constants, getPriority } from 'node:os'
import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { startProcess, type Environment } from '../support/processes.ts'
import { sharedPostgres } from '../support/postgres.ts'

/** Of a running server: the niceness of each thread, by its name. */
const nicenessOf = (pid: number): { name: string; niceness: number }[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => ({
    name: readFileSync(`/proc/${pid}/task/${thread}/comm`, 'latin1').trim(),
    niceness: getPriority(Number(thread)),
  }))

describe('the threads of a server', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  async function onAServer(environment: Environment, look: (pid: number) => void): Promise<void> {
    const postgres = await sharedPostgres()
    const databaseUrl = await postgres.createDatabase()
    const server = await startProcess(databaseUrl, environment)
    try {
      look(server.pid)
    } finally {
      await server.stop()
      await postgres.dropDatabase(databaseUrl)
    }
  }

  it('that hash passwords step back for the one that serves', () =>
    onAServer({}, (pid) => {
      const own = getPriority(0)
      const threads = nicenessOf(pid)
      const pool = threads.filter(({ name }) => name === 'libuv-worker')
      expect(pool.map(({ niceness }) => niceness)).to.have.length.of.at.least(1)
      for (const { niceness } of pool) expect(niceness).to.equal(Math.min(own + 10, constants.priority.PRIORITY_LOW))
      for (const { name, niceness } of threads) if (name !== 'libuv-worker') expect(niceness, name).to.equal(own)
    }))

  it('are all alike where RS256 is signed on them', () =>
    onAServer({ HALLPASS_SIGNING_ALG: 'RS256' }, (pid) => {
      expect(new Set(nicenessOf(pid).map(({ niceness }) => niceness))).to.deep.equal(new Set([getPriority(0)]))
    }))
})
