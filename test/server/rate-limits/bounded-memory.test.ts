import { expect } from 'chai'
import { BoundedMemory } from '../../../src/server/rate-limits/bounded-memory.ts'

describe('The bounded memory of buckets', () => {
  let memory: BoundedMemory
  beforeEach(() => (memory = new BoundedMemory({ points: 2, duration: 900 })))
  afterEach(() => memory.clear())

  const consumed = async (key: string): Promise<number | undefined> => (await memory.get(key))?.consumedPoints
  const flood = async (): Promise<void> => {
    for (let index = 0; index < 10_000; index += 1) await memory.consume(`stranger ${index}`)
  }

  it('keeps the 10 000 that were used most recently, and forgets the others', async () => {
    await memory.consume('ada')
    await flood()
    expect(await consumed('ada')).to.equal(undefined)
    expect(await consumed('stranger 0')).to.equal(1)
    expect(memory.dump().storage).to.have.length(10_000)
  })

  it('keeps what is being used', async () => {
    await memory.consume('ada')
    for (let index = 0; index < 9_999; index += 1) await memory.consume(`stranger ${index}`)
    await memory.reward('ada')
    await memory.consume('one more')
    expect(await consumed('ada')).to.equal(0)
    expect(await consumed('stranger 0')).to.equal(undefined)
  })

  it('can be emptied', async () => {
    await flood()
    memory.clear()
    expect(memory.dump().storage).to.be.empty
  })
})
