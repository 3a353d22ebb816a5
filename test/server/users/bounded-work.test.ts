import { expect } from 'chai'
import { Unavailable } from '../../../src/server/errors.ts'
import { createBoundedWork } from '../../../src/server/users/bounded-work.ts'
import type { BoundedWork } from '../../../src/server/users/bounded-work.ts'

/** Starts named work that ends only when the test says so. */
const createStage = (run: BoundedWork) => {
  const started: string[] = []
  const ends = new Map<string, PromiseWithResolvers<string>>()
  return {
    started,
    start(name: string) {
      const end = Promise.withResolvers<string>()
      ends.set(name, end)
      return run(() => {
        started.push(name)
        return end.promise
      })
    },
    end: (name: string) => ends.get(name)?.resolve(name),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  }
}

const refusalOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('bounded work', () => {
  it('answers what the work answers', async () => {
    const run = createBoundedWork({ parallel: 1, queue: 0 })
    expect(await run(async () => 'done')).to.equal('done')
  })

  it('runs no more at once than it may, and the rest in the order of arrival', async () => {
    const stage = createStage(createBoundedWork({ parallel: 2, queue: 2 }))
    const all = ['a', 'b', 'c', 'd'].map((name) => stage.start(name))
    await Promise.resolve()
    expect(stage.started).to.deep.equal(['a', 'b'])

    stage.end('b')
    await all[1]
    await new Promise(setImmediate)
    expect(stage.started).to.deep.equal(['a', 'b', 'c'])

    stage.end('a')
    stage.end('c')
    await all[2]
    await new Promise(setImmediate)
    expect(stage.started).to.deep.equal(['a', 'b', 'c', 'd'])

    stage.end('d')
    expect(await Promise.all(all)).to.deep.equal(['a', 'b', 'c', 'd'])
  })

  it('refuses at once what finds the line full, and does not start it', async () => {
    const stage = createStage(createBoundedWork({ parallel: 1, queue: 1 }))
    const served = [stage.start('running'), stage.start('waiting')]
    const refusal = await refusalOf(stage.start('too much'))
    expect(refusal).to.be.instanceOf(Unavailable).with.property('retryAfter').within(2, 4)

    stage.end('running')
    stage.end('waiting')
    await Promise.all(served)
    expect(stage.started).to.deep.equal(['running', 'waiting'])
  })

  it('asks those whom it refuses to come again one after the other', async () => {
    const secondsAt = async (share: number) => {
      const run = createBoundedWork({ parallel: 0, queue: 0, maxWait: 2000, random: () => share })
      return ((await refusalOf(run(async () => 'never'))) as Unavailable).retryAfter
    }
    expect(await Promise.all([0, 0.5, 0.99].map(secondsAt))).to.deep.equal([2, 3, 4])
  })

  it('refuses what has waited too long, and gives its place in the line away', async () => {
    const stage = createStage(createBoundedWork({ parallel: 1, queue: 1, maxWait: 1 }))
    const running = stage.start('running')
    expect(await refusalOf(stage.start('first to wait'))).to.be.instanceOf(Unavailable)
    expect(await refusalOf(stage.start('second to wait'))).to.be.instanceOf(Unavailable)

    stage.end('running')
    await running
    const next = stage.start('next')
    stage.end('next')
    expect(await next).to.equal('next')
    expect(stage.started).to.deep.equal(['running', 'next'])
  })

  it('gives the permit back when the work fails', async () => {
    const stage = createStage(createBoundedWork({ parallel: 1, queue: 0 }))
    const failing = stage.start('failing')
    stage.fail('failing')
    expect(await refusalOf(failing))
      .to.be.instanceOf(Error)
      .with.property('message', 'failing')

    const next = stage.start('next')
    stage.end('next')
    expect(await next).to.equal('next')
  })

  it('gives the permit back when the work throws before it returns a promise', async () => {
    const run = createBoundedWork({ parallel: 1, queue: 0 })
    const failing = run(() => {
      throw new Error('at once')
    })
    expect(await refusalOf(failing)).to.have.property('message', 'at once')
    expect(await run(async () => 'next')).to.equal('next')
  })
})
