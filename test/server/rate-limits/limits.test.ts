import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { LIMITS } from '../../../src/server/rate-limits/limits.ts'

describe('The limits', () => {
  const docs = readFileSync(new URL('../../../docs/http.md', import.meta.url), 'utf8')
  const inWords = new Map([
    [60, 'minute'],
    [5 * 60, '5 minutes'],
    [15 * 60, '15 minutes'],
    [60 * 60, 'hour'],
    [24 * 60 * 60, '24 hours'],
  ])

  for (const { policy, quota, window } of Object.values(LIMITS)) {
    it(`are told to those who meet them: ${policy}`, () => {
      const line = docs.split('\n').find((each) => each.startsWith(`| \`${policy}\` |`))
      expect(line, `a line of docs/http.md about ${policy}`).to.match(
        new RegExp(`\\| ${quota} in (an? )?${inWords.get(window)} \\|$`),
      )
    })
  }

  it('have a name each', () => {
    const names = Object.values(LIMITS).map(({ policy }) => policy)
    expect(new Set(names).size).to.equal(names.length)
  })
})
