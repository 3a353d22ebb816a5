/** What the demo expects. The first thing that is otherwise ends it. */
import { isDeepStrictEqual } from 'node:util'
import { abbreviated } from './narrator.ts'

/** The service answered otherwise than it promises. */
export class Difference extends Error {
  override readonly name = 'Difference'
}

export interface Check {
  /** @throws {Difference} unless both are alike */
  same(actual: unknown, expected: unknown, what: string): void
  /** @throws {Difference} unless it holds */
  holds(condition: boolean, what: string): void
  /** How many held. */
  readonly count: number
}

export function createCheck(): Check {
  let count = 0
  return {
    same(actual, expected, what) {
      if (!isDeepStrictEqual(actual, expected)) {
        throw new Difference(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
      }
      count += 1
    },
    holds(condition, what) {
      if (!condition) throw new Difference(`expected otherwise: ${what}`)
      count += 1
    },
    get count() {
      return count
    },
  }
}

/** Tokens stay out of terminals and CI logs, also when something is wrong with them. */
const shown = (value: unknown): string =>
  (JSON.stringify(value) ?? String(value)).replace(/hprt_[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+/g, abbreviated)
