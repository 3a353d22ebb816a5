/** scrypt as passlib writes it, which is a PHC string. */
import { scrypt, type ScryptOptions } from 'node:crypto'
import { isSameSecret } from '../../tokens/secrets.ts'
import { isTag, readBase64 } from './base64.ts'
import type { ForeignHash } from './foreign-hash.ts'

const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([\w+/.-]+={0,2})\$([\w+/.-]+={0,2})$/
/** As for argon2. Bytes. */
const MOST_MEMORY = 128 * 1024 * 1024
const MOST_LANES = 4
/** OpenSSL counts its own few kilobytes. Bytes. */
const MARGIN = 1024 * 1024

export function readScrypt(stored: string): ForeignHash | null {
  const [, ln = '', r = '', p = '', salt = '', tag = ''] = FORM.exec(stored) ?? []
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p) }
  const expected = readBase64(tag)
  const isPossible = cost.N > 1 && cost.r > 0 && cost.p > 0 && isTag(expected)
  if (!isPossible || 128 * cost.N * cost.r > MOST_MEMORY || cost.p > MOST_LANES) return null
  const options = { ...cost, maxmem: MOST_MEMORY + MARGIN }
  return {
    compare: async (password) =>
      isSameSecret(await derive(password, readBase64(salt), expected.length, options), expected),
    isWholeOf: () => true,
  }
}

function derive(password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  scrypt(password, salt, length, options, (error, key) => (error ? reject(error) : resolve(key)))
  return promise
}
