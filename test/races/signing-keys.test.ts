import { expect } from 'chai'
import { statement, type Database } from '../../src/server/database/database.ts'
import { createRing } from '../../src/server/tokens/ring.ts'
import { createSigningKeys, type SigningKeys } from '../../src/server/tokens/signing-keys.ts'
import { onStore, TEST_SECRET } from '../support/server.ts'

describe('a process, while others see to the signing keys too,', () => {
  onStore('postgresql', (server) => {
    const keysOver = (disturbance: Partial<Database>): SigningKeys => {
      const database = { ...server().hallpass.store.database, ...disturbance }
      return createSigningKeys({ database, ring: createRing(TEST_SECRET), alg: 'ES256', accessTtl: 300 })
    }
    const rotate = async (): Promise<string> => (await server().hallpass.keys.rotate({ immediately: true })).kid

    it('that starts misses none which is made just before it listens', async () => {
      let made = ''
      const keys = keysOver({
        async listen(...subscription) {
          made = await rotate()
          await server().hallpass.store.database.listen(...subscription)
        },
      })
      await keys.start()
      keys.stop()
      expect(keys.active().kid).to.equal(made)
    })

    it('that reads twice is not set back by the older reading, should that end later', async () => {
      const hasRead = Promise.withResolvers<void>()
      const mayEnd = Promise.withResolvers<void>()
      let readings = 0
      const keys = keysOver({
        async unitOfWork(work) {
          const isFirst = readings++ === 0
          const result = await server().hallpass.store.database.unitOfWork(work)
          hasRead.resolve()
          if (isFirst) await mayEnd.promise
          return result
        },
      })
      const older = keys.reload()
      await hasRead.promise
      const made = await rotate()
      await keys.reload()
      mayEnd.resolve()
      await older
      expect(keys.active().kid).to.equal(made)
    })

    it('that finds none makes one, and it is the same one for four that find none at once', async () => {
      const { store, keys } = server().hallpass
      await store.database.query(statement('test.forget_keys', 'delete from signing_keys'), [])
      const haveAllLooked = Promise.withResolvers<void>()
      let looked = 0
      const starting = [0, 1, 2, 3].map(() =>
        keysOver({
          async transaction(work) {
            if ((looked += 1) === 4) haveAllLooked.resolve()
            await haveAllLooked.promise
            return store.database.transaction(work)
          },
        }),
      )
      await Promise.all(starting.map((each) => each.start()))
      await Promise.all([keys, ...starting].map((each) => each.reload()))
      for (const each of starting) {
        each.stop()
        expect(each.list()).to.have.length(1)
        expect(each.jwks()).to.deep.equal(keys.jwks())
      }
    })
  })
})
