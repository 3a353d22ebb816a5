import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { createRefreshCounter } from '../../../src/server/rate-limits/refresh-counter.ts'

describe('The counter of refreshes', () => {
  const aCounter = () => {
    let time = 1_000
    const counter = createRefreshCounter({ quota: 3, window: 60, now: () => time })
    return { ...counter, pass: (milliseconds: number) => void (time += milliseconds) }
  }
  const countMany = (counter: { count(id: string): number }, id: string, times: number): number[] =>
    Array.from({ length: times }, () => counter.count(id))

  it('lets as many pass as the quota, and says how long the others have to wait', () => {
    const counter = aCounter()
    expect(countMany(counter, 'a', 3)).to.deep.equal([0, 0, 0])
    counter.pass(20_000)
    expect(countMany(counter, 'a', 2)).to.deep.equal([40_000, 40_000])
  })

  it('begins anew when the window is over', () => {
    const counter = aCounter()
    countMany(counter, 'a', 4)
    counter.pass(59_999)
    expect(counter.count('a')).to.equal(1)
    counter.pass(1)
    expect(countMany(counter, 'a', 4)).to.deep.equal([0, 0, 0, 60_000])
  })

  it('counts each session for itself', () => {
    const counter = aCounter()
    countMany(counter, 'a', 4)
    expect(counter.count('b')).to.equal(0)
  })

  it('keeps no more than fits, whoever comes', function () {
    this.timeout(60_000)
    const counter = aCounter()
    const before = usedMemory()
    for (let index = 0; index < 1_000_000; index += 1) counter.count(anId())
    expect(usedMemory() - before).to.be.below(50_000_000)
    expect(counter.count('still here')).to.equal(0)
  })
})

/** Of one piece, as reading a token yields it. */
const anId = (): string => Buffer.from(randomUUID()).toString()

/** Bytes, without what is garbage. */
function usedMemory(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().heapUsed
}
