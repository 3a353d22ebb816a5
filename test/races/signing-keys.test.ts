import { expect } from 'chai'
import type { Database } from '../../src/server/database/database.ts'
import { createRing } from '../../src/server/tokens/ring.ts'
import { createSigningKeys, type SigningKeys } from '../../src/server/tokens/signing-keys.ts'
import { onStore, TEST_SECRET } from '../support/server.ts'

describe('a process, while another one rotates the signing keys,', () => {
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
  })
})
