import { expect } from 'chai'
import { createAnnouncements } from '../../../src/server/database/announcements.ts'
import { statement, type Database } from '../../../src/server/database/database.ts'
import { openPostgres } from '../../../src/server/database/postgres.ts'
import { sharedPostgres } from '../../support/postgres.ts'
import { eventually } from '../../support/revocation-feed.ts'
import { onBothStores } from '../../support/server.ts'

const CHANNEL = 'hallpass_test'
const announcing = statement<{ one: number }>('test.announcing', 'select 1 as one where $1::text is not null', {
  announces: CHANNEL,
  about: ([value]) => String(value),
})
const touchingNothing = statement('test.touching_nothing', 'select 1 where $1::text is null', {
  announces: CHANNEL,
  about: ([value]) => String(value),
})
const aboutAll = statement('test.about_all', 'select 1 as one', { announces: CHANNEL })
const failing = statement('test.failing', 'select 1 / 0')

describe('what is to be announced', () => {
  it('waits once, in its order, and for each channel by itself', () => {
    const { add, take } = createAnnouncements()
    for (const payload of ['ada', 'grace', 'ada']) add('one', payload)
    add('two', 'ada')
    expect(take()).to.deep.equal({ channel: 'one', payloads: ['ada', 'grace'] })
    expect(take()).to.deep.equal({ channel: 'two', payloads: ['ada'] })
    expect(take()).to.equal(null)
  })

  it('is one for everything where one is about everything, or there are too many', () => {
    const { add, take } = createAnnouncements()
    for (const payload of ['ada', '', 'grace']) add('one', payload)
    expect(take()).to.deep.equal({ channel: 'one', payloads: [''] })
    for (let count = 0; count < 1_000; count += 1) add('one', `${count}`)
    for (let count = 0; count < 1_000; count += 1) add('one', `${count}`)
    const full = take()
    expect(full?.payloads).to.have.length(1_000)
    for (const payload of [...(full?.payloads ?? []), 'one more', 'and more']) add('one', payload)
    expect(take()).to.deep.equal({ channel: 'one', payloads: [''] })
  })
})

describe('Statements that announce', () => {
  onBothStores((server) => {
    let other: Database
    /** What the process itself heard, and what another one did. */
    let heard: string[]
    let heardElsewhere: string[]

    before(async () => {
      const { databaseUrl, hallpass } = server()
      other = databaseUrl === null ? hallpass.store.database : await openPostgres(databaseUrl, () => undefined)
      await hallpass.store.database.listen(
        CHANNEL,
        (payload) => void heard.push(payload),
        () => undefined,
      )
      await other.listen(
        CHANNEL,
        (payload) => void heardElsewhere.push(payload),
        () => undefined,
      )
    })
    after(() => (server().databaseUrl === null ? undefined : other.close()))
    beforeEach(() => {
      heard = []
      heardElsewhere = []
    })

    const everybodyHeard = async (...payloads: string[]): Promise<void> => {
      const { database } = server().hallpass.store
      await database.query(announcing, ['the last'])
      await eventually(() => heardElsewhere.includes('the last') && heard.includes('the last'))
      for (const each of [heard, heardElsewhere]) expect(each).to.deep.equal([...payloads, 'the last'])
    }

    it('say whom they are about, to this process and to others', async () => {
      const { database } = server().hallpass.store
      await database.query(announcing, ['ada'])
      await eventually(() => heardElsewhere.length === 1)
      await database.query(announcing, ['grace'])
      await eventually(() => heardElsewhere.length === 2)
      await database.query(aboutAll, [])
      await eventually(() => heardElsewhere.length === 3)
      await everybodyHeard('ada', 'grace', '')
    })

    it('say nothing where they touched nothing', async () => {
      await server().hallpass.store.database.query(touchingNothing, ['ada'])
      await everybodyHeard()
    })

    it('go on after a listener that throws, and the process does too', async () => {
      const { database } = server().hallpass.store
      await database.listen(
        'hallpass_test_faulty',
        () => {
          heard.push('it fails')
          throw new Error('a mistake of the listener')
        },
        () => undefined,
      )
      const faulty = statement('test.faulty', 'select 1 as one', { announces: 'hallpass_test_faulty' })
      for (let count = 0; count < 2; count += 1) await database.query(faulty, [])
      await database.query(announcing, ['ada'])
      await eventually(() => heard.includes('ada') && heardElsewhere.includes('ada'))
      expect(heard).to.deep.equal(['it fails', 'it fails', 'ada'])
    })

    it('wait for the commit of the transaction that they are in', async () => {
      const { database } = server().hallpass.store
      await database.transaction(async (tx) => {
        await tx.query(announcing, ['ada'])
        await tx.query(announcing, ['grace'])
        await tx.query(announcing, ['ada'])
        expect(heard).to.deep.equal([])
        expect(heardElsewhere).to.deep.equal([])
      })
      await eventually(() => heardElsewhere.length === 2)
      await everybodyHeard('ada', 'grace')
    })

    it('say nothing where it was undone', async () => {
      const { database } = server().hallpass.store
      const failed = await database
        .transaction(async (tx) => {
          await tx.query(announcing, ['ada'])
          await tx.query(failing, [])
        })
        .catch(() => 'failed')
      expect(failed).to.equal('failed')
      await everybodyHeard()
    })

    it('tell of many one by one, and of what cannot be written as it is', async () => {
      const { database } = server().hallpass.store
      const names = Array.from({ length: 300 }, (_, index) => `${index}'"\\$1,{}`)
      await Promise.all(names.map((name) => database.query(announcing, [name])))
      await eventually(() => heardElsewhere.length === names.length)
      expect(heardElsewhere.toSorted()).to.deep.equal(names.toSorted())
    })
  })

  it('go on when the connection is back', async () => {
    const postgres = await sharedPostgres()
    const url = await postgres.createDatabase()
    const [one, other] = [await openPostgres(url, () => undefined), await openPostgres(url, () => undefined)]
    const heard: string[] = []
    let gaps = 0
    await one.listen(
      CHANNEL,
      () => undefined,
      () => undefined,
    )
    await other.listen(
      CHANNEL,
      (payload) => void heard.push(payload),
      () => void (gaps += 1),
    )
    const cut = statement(
      'test.cut_listeners',
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'hallpass listener'`,
    )
    for (let round = 0; round < 3; round += 1) {
      await one.query(cut, [])
      await one.query(announcing, [`${round}`])
      await eventually(() => gaps === round + 1)
      await one.query(announcing, [`${round} again`])
      await eventually(() => heard.includes(`${round} again`))
    }
    await Promise.all([one.close(), other.close()])
    await postgres.dropDatabase(url)
  })
})
