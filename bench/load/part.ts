/** The sessions that one load keeps to: where several share a fleet, each has a part of it. */

export interface Part {
  readonly from: number
  /** The first that is no longer in it. */
  readonly to: number
}

export const anyOf = ({ from, to }: Part): number => from + Math.floor(Math.random() * (to - from))

/** Larger than any fleet, and prime: its multiples meet every session once, in no order that the table has. */
const STRIDE = 2_147_483_647

/** Each session once, for what can be done to it only once. @throws when none is left */
export function createOnce({ from, to }: Part): () => number {
  let taken = 0
  return () => {
    if (taken === to - from) throw new Error('no session is left: a larger fleet is needed')
    taken += 1
    return from + ((taken * STRIDE) % (to - from))
  }
}
