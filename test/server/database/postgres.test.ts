import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../../../src/server/clients/client.entity.ts'
import { statement } from '../../../src/server/database/database.ts'
import { migratePostgres } from '../../../src/server/database/migrate.ts'
import { openPostgres } from '../../../src/server/database/postgres.ts'
import { Unavailable } from '../../../src/server/errors.ts'
import { sharedPostgres } from '../../support/postgres.ts'
import { aLineTo } from '../../support/silent-line.ts'

const isolation = statement<{ level: string; commit: string }>(
  'test.isolation',
  `select current_setting('transaction_isolation') as level, current_setting('synchronous_commit') as commit`,
)

describe('PostgreSQL behind the port', () => {
  let url: string
  const open = () => openPostgres(url, () => undefined)
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  before(async () => {
    url = await (await sharedPostgres()).createDatabase()
    await migratePostgres(url)
  })
  after(async () => (await sharedPostgres()).dropDatabase(url))

  it('closes while work is under way, which it lets finish', async () => {
    for (let round = 0; round < 10; round += 1) {
      const database = await open()
      const work = [
        database.unitOfWork((em) => em.find(Client, {})),
        database.query(isolation, []),
        database.transaction((tx) => tx.query(isolation, [])),
      ]
      await database.close()
      for (const rows of await Promise.all(work)) expect(rows).to.not.be.empty
      expect(await failure(database.query(isolation, []))).to.be.instanceOf(Unavailable)
    }
  })

  it('gives times as what they are, whatever the time zone of the server', async () => {
    const times = [
      '2026-01-02T03:04:05.123Z',
      '1969-12-31T23:59:59.999Z',
      '0099-06-01T00:00:00.000Z',
      '+012345-06-07T08:09:10.000Z',
    ]
    const read = statement<{ time: Date }>(
      'test.times',
      `select time + interval '0.4 ms' as time
       from unnest($1::text[]) with ordinality as asked (text, place),
         lateral (select to_timestamp(extract(epoch from replace(text, '+0', '')::timestamptz)) as time) as read
       order by place`,
    )
    for (const zone of ['UTC', 'Asia/Kolkata', 'America/St_Johns']) {
      const inZone = new URL(url)
      inZone.searchParams.set('options', `-c timezone=${zone}`)
      const database = await openPostgres(inZone.href, () => undefined)
      const rows = await database.query(read, [times])
      expect(
        rows.map(({ time }) => time.toISOString()),
        zone,
      ).to.deep.equal(times)
      await database.close()
    }
  })

  it('is READ COMMITTED, and waits for standbys, whatever the server says by default', async () => {
    const database = await open()
    await database.query(
      statement(
        'test.defaults',
        `do $$ begin execute format('alter database %I set default_transaction_isolation = %L', current_database(), 'serializable'); end $$`,
      ),
      [],
    )
    await database.close()
    const again = await open()
    expect(await again.query(isolation, [])).to.deep.equal([{ level: 'read committed', commit: 'remote_apply' }])
    expect(await again.transaction((tx) => tx.query(isolation, []))).to.deep.equal([
      { level: 'read committed', commit: 'remote_apply' },
    ])
    await again.close()
  })

  it('gives every wait an end: a lock that somebody else holds, and a statement that takes for ever', async function () {
    this.timeout(30_000)
    const [one, other] = [await open(), await open()]
    const lock = statement('test.lock', `select id from clients where id = 'demo' for update`)
    await one.transaction(async (tx) => {
      await tx.query(lock, [])
      expect(await failure(other.query(lock, []))).to.be.instanceOf(Unavailable)
    })
    expect(await failure(one.query(statement('test.sleep', 'select pg_sleep(20)'), []))).to.be.instanceOf(Unavailable)
    await Promise.all([one.close(), other.close()])
  })

  it('gives up on a server that went silent, and asks it again on a new connection', async function () {
    this.timeout(30_000)
    const line = await aLineTo(url)
    const database = await openPostgres(line.url, () => undefined)
    const open = line.connections()
    line.goSilent()
    const errors = await Promise.all([
      failure(database.query(isolation, [])),
      failure(database.transaction((tx) => tx.query(isolation, []))),
    ])
    for (const error of errors) expect(error).to.be.instanceOf(Unavailable)
    line.speak()
    expect(await database.query(isolation, [])).to.have.length(1)
    expect(line.connections(), 'connections made').to.be.above(open)
    await database.close()
    line.cut()
  })

  it('leaves connections alone that nobody waits on, however long', async function () {
    this.timeout(30_000)
    const line = await aLineTo(url)
    const database = await openPostgres(line.url, () => undefined)
    await database.snapshot(async (tx) => {
      await tx.query(isolation, [])
      await sleep(5_000)
      expect(await tx.query(isolation, [])).to.have.length(1)
    })
    await database.query(isolation, [])
    expect(line.connections()).to.equal(1)
    await database.close()
    line.cut()
  })

  it('refuses a 17th statement while 16 are held, rather than letting it wait for ever', async function () {
    this.timeout(30_000)
    const database = await open()
    const held = Array.from({ length: 16 }, () => database.query(statement('test.hold', 'select pg_sleep(2.5)'), []))
    expect(await failure(database.query(isolation, []))).to.be.instanceOf(Unavailable)
    await Promise.all(held)
    await database.close()
  })

  it('loses no connection of its pool to transactions whose connection is cut', async function () {
    this.timeout(30_000)
    const database = await open()
    const cut = statement('test.cut', 'select pg_terminate_backend(pg_backend_pid())')
    const transactions = Array.from({ length: 40 }, () =>
      failure(
        database.transaction(async (tx) => {
          await tx.query(isolation, [])
          await tx.query(cut, [])
        }),
      ),
    )
    for (const error of await Promise.all(transactions)) expect(error).to.be.instanceOf(Unavailable)
    const all = Array.from({ length: 100 }, () => database.query(isolation, []))
    expect(await Promise.all(all)).to.have.length(100)
    await database.close()
  })

  it('takes what the URL says about TLS', async () => {
    const insisting = new URL(url)
    insisting.searchParams.set('sslmode', 'verify-full')
    const error = await failure(openPostgres(insisting.href, () => undefined))
    expect((error as Error).message, 'this server has no TLS').to.match(/SSL/)
  })

  it('rolls back what fails, and says nothing else than the failure', async () => {
    const database = await open()
    const insert = statement('test.insert', `insert into clients (id, name) values ('half', 'Half')`)
    const error = await failure(
      database.transaction(async (tx) => {
        await tx.query(insert, [])
        throw new RangeError('half way')
      }),
    )
    expect(error).to.be.instanceOf(RangeError)
    expect(await database.unitOfWork((em) => em.findOne(Client, { id: 'half' }))).to.equal(null)
    await database.close()
  })
})
