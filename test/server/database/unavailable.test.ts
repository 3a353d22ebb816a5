import { expect } from 'chai'
import { asUnavailable, wasRolledBack } from '../../../src/server/database/unavailable.ts'

const failure = (code?: string): Error => Object.assign(new Error('of the driver'), code === undefined ? {} : { code })

describe('A statement that failed', () => {
  for (const code of ['22P02', '23514', '40001', '40P01', '55P03']) {
    it(`did nothing, as PostgreSQL says by ${code}`, () => {
      expect(wasRolledBack(asUnavailable(failure(code)))).to.equal(true)
    })
  }

  for (const code of ['40003', '08006', '57P01', '57014', 'ECONNRESET', undefined]) {
    it(`may have been committed, for all that ${code ?? 'an error without a code'} says`, () => {
      expect(wasRolledBack(asUnavailable(failure(code)))).to.equal(false)
    })
  }
})
