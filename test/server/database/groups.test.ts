import { expect } from 'chai'
import { createGroups } from '../../../src/server/database/groups.ts'
import { eventually } from '../../support/revocation-feed.ts'

interface Member {
  readonly key: string
  readonly name: string
}

/** The store says that nothing was done. */
class Undone extends Error {}

/** What is under way until it is let go, and how it was asked for. */
function workshop() {
  const asked: string[] = []
  const gates: PromiseWithResolvers<ReadonlySet<string>>[] = []
  let isBroken = false

  /** @returns names that are left out */
  function wait(how: string): Promise<ReadonlySet<string>> {
    asked.push(how)
    const gate = Promise.withResolvers<ReadonlySet<string>>()
    gates.push(gate)
    return gate.promise
  }

  const join = createGroups<Member, string>({
    keyOf: ({ key }) => key,
    alone: async ({ name }) => {
      await wait(name)
      return `${name} alone`
    },
    together: async (members) => {
      const leftOut = await wait(members.map(({ name }) => name).join('+'))
      if (isBroken) throw new Undone('a value that the store cannot read')
      return new Map(
        members.filter(({ name }) => !leftOut.has(name)).map((member) => [member.key, `${member.name} together`]),
      )
    },
    isUndone: (error) => error instanceof Undone,
  })
  return {
    asked,
    /** @param name also its key, unless it is written `key:name` */
    join: (name: string) => join({ key: name.split(':')[0] ?? name, name }),
    /** What was asked for first and is not over yet, ends. */
    letGo: async (leftOut: readonly string[] = []) => {
      await eventually(() => gates.length > 0)
      gates.shift()?.resolve(new Set(leftOut))
    },
    fail: async (error: Error) => {
      await eventually(() => gates.length > 0)
      gates.shift()?.reject(error)
    },
    breaks: () => (isBroken = true),
  }
}

describe('Groups', () => {
  it('let go at once whoever comes when nobody is under way', async () => {
    const { asked, join, letGo } = workshop()
    const result = join('one')
    expect(asked).to.deep.equal(['one'])
    await letGo()
    expect(await result).to.equal('one alone')
  })

  it('take together all who came meanwhile, sorted by key', async () => {
    const { asked, join, letGo } = workshop()
    const results = ['first', 'c', 'a', 'b'].map(join)
    await letGo()
    await letGo()
    expect(await Promise.all(results)).to.deep.equal(['first alone', 'c together', 'a together', 'b together'])
    expect(asked).to.deep.equal(['first', 'a+b+c'])
  })

  it('let go alone the only one who came meanwhile', async () => {
    const { asked, join, letGo } = workshop()
    const results = ['first', 'second'].map(join)
    await letGo()
    await letGo()
    expect(await Promise.all(results)).to.deep.equal(['first alone', 'second alone'])
    expect(asked).to.deep.equal(['first', 'second'])
  })

  it('never hold two of one key: the later one comes with the next', async () => {
    const { asked, join, letGo } = workshop()
    const results = ['first', 'a:1', 'b:1', 'a:2', 'b:2', 'a:3'].map(join)
    for (let group = 0; group < 4; group += 1) await letGo()
    await Promise.all(results)
    expect(asked).to.deep.equal(['first', 'a:1+b:1', 'a:2+b:2', 'a:3'])
  })

  it('hold no more than 64', async () => {
    const { asked, join, letGo } = workshop()
    const results = Array.from({ length: 101 }, (_, index) => join(String(index)))
    for (let group = 0; group < 3; group += 1) await letGo()
    await Promise.all(results)
    expect(asked.map((group) => group.split('+').length)).to.deep.equal([1, 64, 36])
  })

  it('let go alone whoever is left out', async () => {
    const { asked, join, letGo } = workshop()
    const results = ['first', 'a', 'b'].map(join)
    await letGo()
    await letGo(['b'])
    await letGo()
    expect(await Promise.all(results)).to.deep.equal(['first alone', 'a together', 'b alone'])
    expect(asked).to.deep.equal(['first', 'a+b', 'b'])
  })

  it('let go alone all of one that fails: one bad entry harms nobody else', async () => {
    const { asked, join, letGo, breaks } = workshop()
    breaks()
    const results = ['first', 'a', 'b'].map(join)
    for (let group = 0; group < 4; group += 1) await letGo()
    expect(await Promise.all(results)).to.deep.equal(['first alone', 'a alone', 'b alone'])
    expect(asked).to.deep.equal(['first', 'a+b', 'a', 'b'])
  })

  it('try nothing once more where it is not known what was done', async () => {
    const { asked, join, letGo, fail } = workshop()
    const results = ['first', 'a', 'b'].map(join)
    await letGo()
    await fail(new Error('the connection was lost'))
    const ended = await Promise.allSettled(results)
    expect(ended.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'rejected'])
    expect(asked).to.deep.equal(['first', 'a+b'])
  })

  it('go on after one that failed', async () => {
    const { join, letGo, fail } = workshop()
    const failing = join('first')
    const next = join('second')
    await fail(new Error('of its own'))
    expect(await failing.catch((error: Error) => error.message)).to.equal('of its own')
    await letGo()
    expect(await next).to.equal('second alone')
  })

  it('do not wait long for one that is held up', async () => {
    const { asked, join, letGo } = workshop()
    const held = join('held')
    const others = ['a', 'b'].map(join)
    await eventually(() => asked.length === 2)
    expect(asked).to.deep.equal(['held', 'a+b'])
    await letGo()
    await letGo()
    expect(await Promise.all([held, ...others])).to.deep.equal(['held alone', 'a together', 'b together'])
  })
})
