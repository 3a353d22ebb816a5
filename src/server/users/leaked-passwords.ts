/** Passwords that were in data breaches, by the range API of Have I Been Pwned or a mirror of it. */
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'

export interface LeakedPasswords {
  /**
   * The service is told five of the 40 hexadecimal digits of the password's SHA-1, and answers with every hash that
   * begins so. If it does not, within the time-out, nobody is kept from signing up: one line in the log, and false.
   *
   * @param form in NFC
   */
  has(form: string): Promise<boolean>
}

const PREFIX_DIGITS = 5

/**
 * @param deps.url of the API, before `/range/`
 * @param deps.timeout for the whole answer. Milliseconds
 */
export function createLeakedPasswords(deps: { url: string; log: Logger; timeout?: number }): LeakedPasswords {
  const { url, log, timeout = 1000 } = deps

  async function hasLeaked(form: string): Promise<boolean> {
    const { pwnedPasswordRange } = await import('hibp') // only where such passwords are asked for
    const hash = createHash('sha1').update(form, 'utf8').digest('hex').toUpperCase()
    const counts = await pwnedPasswordRange(hash.slice(0, PREFIX_DIGITS), {
      baseUrl: url,
      // Without padding, the size of an encrypted answer tells which prefix was asked for.
      addPadding: true,
      timeoutMs: timeout,
      userAgent: 'Hallpass',
    })
    const rows = Object.entries(counts)
    if (!rows.every(isRow) || rows.length === 0) throw new WrongAnswer()
    // What is only padding has the count 0.
    return rows.some(([suffix, count]) => suffix.toUpperCase() === hash.slice(PREFIX_DIGITS) && count > 0)
  }

  return {
    async has(form) {
      try {
        return await hasLeaked(form)
      } catch (error) {
        // No message: it may quote the URL, which ends in a part of the hash, or what the other side wrote.
        log.warn(describe(error), 'could not ask whether a password was leaked, and let it pass')
        return false
      }
    },
  }
}

class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

const isRow = ([suffix, count]: [string, number]): boolean => /^[0-9A-F]{35}$/i.test(suffix) && Number.isInteger(count)

function describe(error: unknown): { failure: string; code?: unknown } {
  if (!(error instanceof Error)) return { failure: typeof error }
  const { cause } = error
  return cause instanceof Error && 'code' in cause ? { failure: error.name, code: cause.code } : { failure: error.name }
}
