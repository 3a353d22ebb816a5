import { expect } from 'chai'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Postgres } from '../../support/postgres.ts'
import { sharedPostgres, startPostgres } from '../../support/postgres.ts'

const module = new URL('../../support/postgres.ts', import.meta.url).href

describe('PostgreSQL for tests', function () {
  this.timeout(60_000)

  describe('the shared one', () => {
    it('gives fresh databases that know nothing of each other, and drops them also when in use', async () => {
      const postgres = await sharedPostgres()
      expect(await sharedPostgres()).to.equal(postgres)

      const [first, second] = await Promise.all([postgres.createDatabase(), postgres.createDatabase()])
      expect(await query(first, 'create table one (id int)')).to.deep.equal([])
      expect(await query(second, "select to_regclass('one') as one")).to.deep.equal([{ one: null }])

      const client = new pg.Client(first)
      client.on('error', () => undefined)
      await client.connect()
      await postgres.dropDatabase(first)
      await postgres.dropDatabase(second)
      expect(await refusalOf(query(first, 'select 1'))).to.have.property('code', '3D000')
    })

    it('drops nothing that no test has made', async () => {
      const postgres = await sharedPostgres()
      expect(await refusalOf(postgres.dropDatabase(postgres.url('postgres')))).to.be.instanceOf(Error)
    })
  })

  describe('of our own', () => {
    let postgres: Postgres

    before(async () => {
      postgres = await startPostgres({ logStatements: true, settings: { work_mem: '5MB' } })
    })

    after(() => postgres.stop())

    it('has the settings asked for, and loses no time on the disk', async () => {
      const [row] = await query(
        postgres.url('postgres'),
        `select current_setting('work_mem') as work_mem, current_setting('fsync') as fsync,
                current_setting('max_connections') as max_connections,
                current_setting('unix_socket_directories') as sockets,
                current_setting('server_version_num')::int / 10000 as version, lower('ÄÖÜ') as lower`,
      )
      expect(row).to.deep.equal({
        work_mem: '5MB',
        fsync: 'off',
        max_connections: '200',
        sockets: '',
        version: 18,
        lower: 'äöü',
      })
    })

    it('asks for its password', async () => {
      const url = new URL(postgres.url('postgres'))
      url.password = 'guess'
      expect(await refusalOf(query(url.href, 'select 1'))).to.have.property('code', '28P01')
    })

    it('logs every statement, and of its values only what stands in the text', async () => {
      await query(postgres.url('postgres'), "select $1::text, 'in the text'", ['bound'])
      expect(postgres.log()).to.include("select $1::text, 'in the text'").and.not.include('bound')
    })

    it('shows its log when it does not start', async () => {
      const refusal = await refusalOf(startPostgres({ settings: { max_connections: 'many' } }))
      expect(refusal.message).to.include('PostgreSQL did not start').and.include('max_connections')
    })
  })

  describe('leaves no process and no directory behind', () => {
    it('when it is stopped', async () => {
      const postgres = await startPostgres({ durable: true })
      const directory = await directoryOf(postgres)
      const client = new pg.Client(postgres.url('postgres'))
      client.on('error', () => undefined)
      await client.connect()
      await postgres.stop()
      await postgres.stop()
      expect(existsSync(directory)).to.equal(false)
      expect(processesOn(directory)).to.equal('')
      expect(postgres.log()).to.include('shut')
    })

    it('when it does not start', async () => {
      const { message } = await refusalOf(startPostgres({ settings: { max_connections: 'many' } }))
      const directory = directoryIn(message)
      expect(directory).to.be.a('string')
      await untilNothingIsLeft(directory ?? '')
    })

    for (const [how, end] of [
      ['when its process just ends', ''],
      ['when its process exits', 'process.exit(3)'],
      ['when its process fails', "throw new Error('as a failing test would')"],
      ['when its process is terminated', "process.kill(process.pid, 'SIGTERM')"],
      ['when its process is killed', "process.kill(process.pid, 'SIGKILL')"],
    ] as const) {
      it(how, async () => {
        const child = startChild(`
          const postgres = await startPostgres({ durable: false })
          const client = new pg.Client(postgres.url('postgres'))
          await client.connect()
          console.log((await client.query('show data_directory')).rows[0].data_directory)
          client.unref()
          ${end}
        `)
        const [data] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
        await once(child, 'exit')
        await untilNothingIsLeft(data.slice(0, -'/data'.length))
      })
    }

    it('when its process is killed while it starts, whenever that is', async () => {
      for (const moment of [0, 300, 700].map((at) => at + Math.random() * 200)) {
        const child = startChild('await startPostgres({ durable: false })')
        let directory: string | undefined
        while (directory === undefined) {
          expect(child.exitCode, 'it has ended, and no directory was seen').to.equal(null)
          await delay(1)
          directory = directoryIn(childrenOf(child.pid))
        }
        await Promise.race([delay(moment), once(child, 'exit')])
        child.kill('SIGKILL')
        await untilNothingIsLeft(directory)
      }
    })
  })

  function startChild(script: string) {
    const preamble = `
      import pg from ${JSON.stringify(import.meta.resolve('pg'))}
      import { startPostgres } from ${JSON.stringify(module)}
    `
    return spawn(process.execPath, ['--input-type=module', '-e', preamble + script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  }
})

const directoryIn = (text: string): string | undefined =>
  /\/(?:var\/tmp|dev\/shm)\/hallpass-postgres-\w+/.exec(text)?.[0]

async function query(url: string, text: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

const refusalOf = (action: Promise<unknown>): Promise<Error> =>
  action.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: Error) => error,
  )

async function directoryOf(postgres: Postgres): Promise<string> {
  const [row] = (await query(postgres.url('postgres'), 'show data_directory')) as { data_directory: string }[]
  return row?.data_directory.slice(0, -'/data'.length) ?? ''
}

async function untilNothingIsLeft(directory: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (existsSync(directory) || processesOn(directory) !== '') {
    if (Date.now() > deadline) throw new Error(`There is still ${directory} or a process on it`)
    await delay(20)
  }
}

const processesOn = (directory: string): string =>
  spawnSync('sh', ['-c', `ps -eo pid,args | grep -F '${directory}' | grep -v grep`], { encoding: 'utf8' }).stdout

const childrenOf = (pid: number | undefined): string =>
  spawnSync('sh', ['-c', `ps -eo ppid,args | grep '^ *${pid} '`], { encoding: 'utf8' }).stdout
