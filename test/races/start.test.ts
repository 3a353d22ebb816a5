import { expect } from 'chai'
import { migrations } from '../../migrations/index.ts'
import { migratePostgres } from '../../src/server/database/migrate.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { connectTo } from '../support/held.ts'
import { aSignedInPerson, send } from '../support/people.ts'
import { startProcess } from '../support/processes.ts'

describe('four processes that start at once on an empty database', function () {
  this.timeout(180_000)

  it('migrate it once, agree on one signing key, and all become ready', async () => {
    const databaseUrl = await (await sharedPostgres()).createDatabase()
    const processes = await Promise.all([0, 1, 2, 3].map(() => startProcess(databaseUrl)))
    try {
      const sql = await connectTo(databaseUrl)
      const migrated = await sql.query('select name from migrations group by name having count(*) > 1')
      expect(migrated, 'migrations that ran twice').to.be.empty
      expect(await sql.query('select kid from signing_keys')).to.have.length(1)
      await sql.end()
      expect(processes.filter((each) => each.output().includes('"msg":"migrated"'))).to.have.length(1)

      const published = await Promise.all(processes.map(({ url }) => send(`${url}/.well-known/jwks.json`)))
      expect(published[0]?.body['keys']).to.have.length(1)
      for (const { body } of published) expect(body).to.deep.equal(published[0]?.body)

      const { accessToken } = await aSignedInPerson(processes[0]?.url ?? '')
      for (const { url } of processes) {
        expect((await send(`${url}/v1/users/me`, { token: accessToken })).status).to.equal(200)
      }
    } finally {
      const codes = await Promise.all(processes.map((each) => each.stop()))
      expect(codes).to.deep.equal([0, 0, 0, 0])
      await (await sharedPostgres()).dropDatabase(databaseUrl)
    }
  })

  it('migrate it once also when all of them come to it in the same moment', async () => {
    for (let round = 0; round < 3; round += 1) {
      const databaseUrl = await (await sharedPostgres()).createDatabase()
      const ran = await Promise.all([0, 1, 2, 3].map(() => migratePostgres(databaseUrl)))
      expect(ran.filter((names) => names.length > 0)).to.deep.equal([migrations.map(({ name }) => name)])
      await (await sharedPostgres()).dropDatabase(databaseUrl)
    }
  })
})
