/** Chance that can be repeated: the same seed, the same decisions. */
import { createHash } from 'node:crypto'

export interface Random {
  /** Whether something happens that happens so often, from 0 to 1. */
  happens(share: number): boolean
  /** A whole number from 0 to this one. */
  upTo(most: number): number
  oneOf<Value>(values: readonly Value[]): Value
  weighted<Value>(values: readonly (readonly [weight: number, value: Value])[]): Value
}

export function createRandom(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32LE()
  /** mulberry32, from 0 to below 1. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    happens: (share) => next() < share,
    upTo: (most) => Math.floor(next() * (most + 1)),
    oneOf: (values) => values[Math.floor(next() * values.length)]!,
    weighted(values) {
      let rest = next() * values.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, value] of values) if ((rest -= weight) < 0) return value
      return values.at(-1)![1]
    },
  }
}
