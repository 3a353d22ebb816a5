/**
 * Hashes that another system made and an import brought. They are kept as they are, matched at their owner's next
 * sign-in and replaced by one of today's then. A family is one file, and one line here.
 */
import { readBcrypt } from './bcrypt.ts'
import { readPbkdf2 } from './pbkdf2.ts'
import { readScrypt } from './scrypt.ts'

export interface ForeignHash {
  /** Off the main thread. */
  compare(password: string): Promise<boolean>
  /** Whether a password that matched says all that there is to know of it, so that it may be hashed anew. */
  isWholeOf(password: string): boolean
}

/** @returns null for what is no such hash, or costs more than this process can bear */
export const readForeignHash = (stored: string): ForeignHash | null =>
  readBcrypt(stored) ?? readPbkdf2(stored) ?? readScrypt(stored)
