/** docs/comparison.md shows what it says: each of its rows names a test, and the sentence that is there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'

const DOCS = join(import.meta.dirname, '..', '..', 'docs')

describe('The comparison with ecto_sessions and phx.gen.auth', () => {
  let rows: string[]
  before(async () => {
    const page = await readFile(join(DOCS, 'comparison.md'), 'utf8')
    // Beginning with theirs, in code: neither the head of a table nor the line below it.
    rows = page.split('\n').filter((line) => line.startsWith('| `'))
  })

  it('has a row for each of their functions', () => {
    expect(rows).to.have.length.above(60)
  })

  it('names a test in each row, unless it says that we have no such thing', () => {
    const isOpen = (row: string): boolean => linksIn(row).length === 0 && !/\| none: [^|]+\|$/.test(row)
    const unproven = rows.filter((row) => isOpen(row) || row.includes('TEST?'))
    expect(unproven).to.deep.equal([])
  })

  it('names tests that there are, by their own sentences', async () => {
    const wrong: string[] = []
    for (const { sentence, file } of rows.flatMap(linksIn)) {
      const source = await readFile(join(DOCS, file), 'utf8').catch(() => '')
      if (!["'", '"', '`'].some((quote) => source.includes(`it(${quote}${sentence}${quote},`))) {
        wrong.push(`${sentence} (${file})`)
      }
    }
    expect(wrong).to.deep.equal([])
  })
})

const linksIn = (row: string): { sentence: string; file: string }[] =>
  [...row.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+\.test\.ts)\)/g)].map(([, sentence = '', file = '']) => ({
    sentence,
    file,
  }))
