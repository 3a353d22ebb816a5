/** PBKDF2 as passlib, pbkdf2_elixir and Django write it, and as a PHC string. */
import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { isSameSecret } from '../../tokens/secrets.ts'
import { isTag, readBase64 } from './base64.ts'
import type { ForeignHash } from './foreign-hash.ts'

const derive = promisify(pbkdf2)

/** passlib says `.` for `+`, and `$pbkdf2$` where it means SHA-1. */
const MODULAR =
  /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,7})(?:,l=\d{1,3})?\$([\w+/.-]+={0,2})\$([\w+/.-]+={0,2})$/
/** Django's salt is text. */
const DJANGO = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,7})\$([^$]+)\$([\w+/-]+={0,2})$/
/** Django's of 2026 has 1.2 million. */
const MOST_ITERATIONS = 2_000_000

export function readPbkdf2(stored: string): ForeignHash | null {
  const modular = MODULAR.exec(stored)
  const [, digest = 'sha1', iterations = '', salt = '', tag = ''] = modular ?? DJANGO.exec(stored) ?? []
  const rounds = Number(iterations)
  const expected = readBase64(tag)
  if (rounds < 1 || rounds > MOST_ITERATIONS || !isTag(expected)) return null
  const saltBytes = modular === null ? Buffer.from(salt) : readBase64(salt)
  return {
    compare: async (password) =>
      isSameSecret(await derive(password, saltBytes, rounds, expected.length, digest), expected),
    isWholeOf: () => true,
  }
}
