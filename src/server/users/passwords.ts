/**
 * Password hashes: argon2id in PHC strings, computed off the main thread, a bounded number at a time. Those that
 * another system made are compared as they are (foreign-hashes/).
 */
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import * as nodeRsArgon2 from '@node-rs/argon2'
import { createBoundedWork } from './bounded-work.ts'
import { readForeignHash } from './foreign-hashes/foreign-hash.ts'
import { normalizePassword } from './password-rules.ts'

export type PasswordParameters = {
  /** KiB for each lane. */
  memoryCost: number
  /** Passes over the memory. */
  timeCost: number
  /** Lanes. */
  parallelism: number
}

export type PasswordCheck = {
  matches: boolean
  /** The password is right, and its stored hash is weaker than one made today: hash it again and store that. */
  needsRehash: boolean
}

export type Passwords = {
  /**
   * @param password one that `PasswordRules.check` found no fault with
   * @returns a PHC string to store
   * @throws {Unavailable} when too many hashes are under way
   * @throws {RangeError} for a password that no check can have passed (over-long, or with a lone surrogate)
   */
  hash(password: string): Promise<string>
  /**
   * Compares, and costs the same whether or not there is anything to compare with, but for hashes that another
   * system made: those cost what they cost there, until their owner signs in (docs/moving-in.md).
   *
   * @param password as it was entered; other systems hashed it like this, and we in NFC
   * @param stored null when there is no such user, or none with a password. What is no hash that we know, or one
   *   of an unbearable cost, matches nothing
   * @throws {Unavailable} when too many hashes are under way; nothing was compared
   */
  verify(password: string, stored: string | null): Promise<PasswordCheck>
  /** Whether `verify` can ever find a password for it: for hashes from elsewhere. */
  isComparable(stored: string): boolean
}

/** The two functions of `@node-rs/argon2` that do the work. */
export type Argon2 = Pick<typeof nodeRsArgon2, 'hash' | 'verify'>

// OWASP Password Storage Cheat Sheet: m=19456 KiB with t=2, p=1; RFC 9106 section 3.1 for tag and salt.
const OWASP: PasswordParameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const TAG_BYTES = 32
const SALT_BYTES = 16

// Computing a stored hash of any cost would let whoever can plant one (an import) take the process down.
const BEARABLE: PasswordParameters = { memoryCost: 128 * 1024, timeCost: 10, parallelism: 4 }

// The package declares these as const enums, which do not exist where types are stripped.
const ARGON2ID = 2
const VERSION_19 = 1

/**
 * @param options.parallel hashes at once; by default one a core, and at most 3
 * @param options.processes among how many the cores are shared out; 1 by default
 * @param options.queue hashes that may wait (each at most 2 s); by default 64 for each that runs
 * @param options.parameters what a new hash costs
 * @param options.argon2 computes; `@node-rs/argon2` by default
 */
export const createPasswords = (
  options: {
    processes?: number | undefined
    parallel?: number
    queue?: number
    parameters?: PasswordParameters | undefined
    argon2?: Argon2
  } = {},
): Passwords => {
  const { parallel = defaultParallel(options.processes), parameters = OWASP, argon2 = nodeRsArgon2 } = options
  // A core computes about 80 hashes a second: a full line is served within the 2 s that anybody waits in it.
  const { queue = 64 * parallel } = options
  const run = createBoundedWork({ parallel, queue })
  const dummy = makeDummy(parameters)

  return {
    async hash(password) {
      const form = normalizePassword(password)
      if (form === null) throw new RangeError('A password must pass the password rules before it is hashed')
      return run(() => argon2.hash(form, { ...parameters, algorithm: ARGON2ID, outputLen: TAG_BYTES }))
    },

    async verify(password, stored) {
      const form = normalizePassword(password)
      // Nobody can have this password. No work is spared for some users only: the answer needs no user.
      if (form === null) return { matches: false, needsRehash: false }

      const comparable = stored === null ? null : read(stored)
      for (const each of form === password ? [form] : [form, password]) {
        const matches = await run(() => comparable?.compare(each) ?? argon2.verify(dummy, each))
        if (matches && comparable !== null) return { matches, needsRehash: comparable.needsRehash(each) }
      }
      return { matches: false, needsRehash: false }
    },

    isComparable: (stored) => read(stored) !== null,
  }

  function read(stored: string): Comparable | null {
    const own = parseStored(stored)
    if (own !== null) {
      return { compare: (form) => argon2.verify(stored, form), needsRehash: () => isWeaker(own, parameters) }
    }
    const foreign = readForeignHash(stored)
    return foreign && { compare: (form) => foreign.compare(form), needsRehash: (form) => foreign.isWholeOf(form) }
  }
}

interface Comparable {
  compare(form: string): Promise<boolean>
  needsRehash(form: string): boolean
}

// Hashes run on libuv's threads, four unless UV_THREADPOOL_SIZE says otherwise, which serve files, DNS and WebCrypto
// too: one of them stays free. A process with a larger pool passes its own `parallel`.
const defaultParallel = (processes = 1): number =>
  Math.min(Math.max(Math.floor(availableParallelism() / processes), 1), 3)

// Salt and tag are random, so that the full work is done at the first unknown user as at every other, and no
// password leads to it.
const makeDummy = ({ memoryCost, timeCost, parallelism }: PasswordParameters): string =>
  `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${encode(randomBytes(SALT_BYTES))}$${encode(randomBytes(TAG_BYTES))}`

// The B64 of PHC strings: the standard alphabet without padding.
const encode = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

type StoredHash = ReturnType<typeof nodeRsArgon2.parseOptions>

const parseStored = (phc: string): StoredHash | null => {
  const stored = parse(phc)
  if (stored === null) return null
  const isBearable =
    stored.memoryCost <= BEARABLE.memoryCost &&
    stored.timeCost <= BEARABLE.timeCost &&
    stored.parallelism <= BEARABLE.parallelism
  return isBearable ? stored : null
}

const parse = (phc: string): StoredHash | null => {
  try {
    return nodeRsArgon2.parseOptions(phc)
  } catch {
    return null
  }
}

const isWeaker = (stored: StoredHash, current: PasswordParameters): boolean =>
  stored.algorithm !== ARGON2ID ||
  stored.memoryCost < current.memoryCost ||
  stored.timeCost < current.timeCost ||
  stored.parallelism < current.parallelism ||
  stored.version < VERSION_19 ||
  stored.outputLen < TAG_BYTES ||
  stored.saltLen < SALT_BYTES
