/**
 * Sign-ins whose password is being checked: a few at once, the rest in a line that begins before the database is asked.
 * It is asked nine times before a password is hashed, which a crowd that is about to be turned away must not do
 * (docs/decisions/0009).
 */
import { createBoundedWork, type BoundedWork } from './bounded-work.ts'

/** Enough to keep every hashing thread at work (passwords.ts), and half of the connections to the database. */
const AT_ONCE = 8
/** What two processors check in the two seconds that anybody waits: each hashes some 80 passwords a second. */
const IN_LINE = 256

export const createSignInLine = (): BoundedWork => createBoundedWork({ parallel: AT_ONCE, queue: IN_LINE })
