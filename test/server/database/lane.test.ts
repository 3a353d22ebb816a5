import { expect } from 'chai'
import { createLane } from '../../../src/server/database/lane.ts'

describe('A lane that is stopped', () => {
  it('waits for what it is just taking up, and takes up nothing more', async () => {
    const asked = Promise.withResolvers<void>()
    const leased = Promise.withResolvers<string>()
    const worked: string[] = []
    const lane = createLane({
      lease: () => {
        asked.resolve()
        return leased.promise
      },
      work: async (row) => {
        await new Promise((resolve) => setImmediate(resolve))
        worked.push(row)
      },
      parallel: 4,
    })
    lane.changed()
    await asked.promise
    const stopping = lane.stop()
    leased.resolve('row')
    await stopping
    expect(worked).to.deep.equal(['row'])
  })

  it('ends all the same where the store does not answer', async () => {
    const asked = Promise.withResolvers<void>()
    const lane = createLane({
      lease: () => {
        asked.resolve()
        return new Promise<never>(() => undefined)
      },
      work: () => Promise.resolve(),
      parallel: 4,
    })
    lane.changed()
    await asked.promise
    await lane.stop()
  })
})
