import type { ForeignHash } from './foreign-hash.ts'

/** `$2x$` is left out: it marks hashes of an implementation with a fault, which this one would not match. */
const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const LEAST_COST = 4
/** A second of one core. */
const MOST_COST = 14
/** What follows never went into the hash. */
const MOST_BYTES = 72

export function readBcrypt(stored: string): ForeignHash | null {
  const cost = Number(FORM.exec(stored)?.[1] ?? Number.NaN)
  if (!(cost >= LEAST_COST && cost <= MOST_COST)) return null
  return {
    // Loaded by those who moved in with such hashes.
    compare: async (password) => (await import('@node-rs/bcrypt')).verify(password, stored),
    // Beyond that anything matches: a slip of the finger would become the password.
    isWholeOf: (password) => Buffer.byteLength(password) <= MOST_BYTES,
  }
}
