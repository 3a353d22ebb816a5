/** Which passwords may be chosen, and the one form in which a password is counted, compared and hashed. */
import type { Logger } from 'pino'
import { isCommonPassword } from './common-passwords.ts'
import { parseEmailAddress } from './email-address.ts'
import { createLeakedPasswords } from './leaked-passwords.ts'
import { createPasswordStrength } from './password-strength.ts'

export interface PasswordFault {
  /** Stable; programs go by it. */
  readonly code:
    | 'too_short'
    | 'too_long'
    | 'invalid_characters'
    | 'too_common'
    | 'same_as_email'
    | 'too_guessable'
    | 'leaked'
  /** What is wrong and what to do, for a person to read. It repeats nothing of the password. */
  readonly message: string
}

export interface PasswordRules {
  /**
   * What is wrong with a password that somebody wants to have. What it answers, and how long it takes, depends on its
   * arguments alone, never on whether there is such an account.
   *
   * @param password as it was entered; nothing is trimmed
   * @param context.email the account's address; an empty string where there is none
   * @returns every fault found, none for a good password
   */
  check(password: string, context: { email: string }): Promise<PasswordFault[]>
}

const MIN_CODE_POINTS = 8
const MAX_CODE_POINTS = 128

// NIST SP 800-63B-4 section 3.1.1.2 asks for 15 where a password is all there is. A shorter one has to make up for it.
const LONG_CODE_POINTS = 15

// More UTF-16 units than 128 code points take in NFC or NFD, and still cheap to normalise.
const MAX_UNITS = 1024

const MESSAGES = {
  too_short: 'This is too easy to guess at this length. Use 15 characters or more.',
  too_long: 'Use at most 128 characters.',
  invalid_characters: 'Leave out the character that cannot be part of a password.',
  too_common: 'Use another password: this one is among the first that anybody tries.',
  same_as_email: 'Use something other than your e-mail address.',
  too_guessable: 'Use 15 characters or more, or something that is harder to guess.',
  leaked: 'Use another password, here and wherever you had this one: it was in a data breach.',
}

/**
 * There are no composition rules: length and being unguessable are what counts.
 *
 * @param deps.serviceName what people know the service by: no password, and no help to one
 * @param deps.breachedPasswordsUrl where the range API of Have I Been Pwned is; null asks nobody
 */
export function createPasswordRules(deps: {
  serviceName: string
  breachedPasswordsUrl: string | null
  log: Logger
}): PasswordRules {
  const { serviceName, breachedPasswordsUrl, log } = deps
  // What the service is made with is as well known as what it calls itself.
  const names = [serviceName, 'Hallpass']
  const strength = createPasswordStrength({ names })
  const leaked = breachedPasswordsUrl === null ? null : createLeakedPasswords({ url: breachedPasswordsUrl, log })

  return {
    async check(password, { email }) {
      if (password.length > MAX_UNITS) return [fault('too_long')]
      const form = normalizePassword(password)
      if (form === null) return [fault('invalid_characters')]

      const { length } = Array.from(form)
      const faults: PasswordFault[] = []
      if (length < MIN_CODE_POINTS) faults.push(fault('too_short'))
      if (length > MAX_CODE_POINTS) faults.push(fault('too_long'))
      // Where strings end at a NUL, as in C, the same hash would compare only what stands before it.
      if (form.includes('\0')) faults.push(fault('invalid_characters'))
      if (isCommonPassword(form, names)) faults.push(fault('too_common'))
      if (isSameAsEmail(form, email)) faults.push(fault('same_as_email'))
      if (faults.length > 0) return faults

      // The estimate takes milliseconds of this thread, and more than 14 code points it never gets to see.
      if (length < LONG_CODE_POINTS) {
        const { isStrong, warning } = await strength.estimate(form, email)
        if (!isStrong) return [fault('too_guessable', warning)]
      }
      return (await leaked?.has(form)) === true ? [fault('leaked')] : []
    },
  }
}

const fault = (code: PasswordFault['code'], warning: string | null = null): PasswordFault => ({
  code,
  message: warning === null ? MESSAGES[code] : `${warning} ${MESSAGES[code]}`,
})

/**
 * The password in NFC: keyboards and systems differ in whether an "é" comes as one code point or as two, and it has
 * to be the same password on all of a person's devices (RFC 8265 section 4.2.2 chooses NFC too). Nothing else
 * about it changes.
 *
 * @returns null for what cannot be anybody's password: over-long, or with a lone surrogate, which has no UTF-8 form
 *   and would be hashed as if it were U+FFFD
 */
export const normalizePassword = (password: string): string | null =>
  password.length > MAX_UNITS || !password.isWellFormed() ? null : password.normalize('NFC')

const isSameAsEmail = (form: string, email: string): boolean => {
  const canonical = parseEmailAddress(email)?.canonical
  if (canonical === undefined) return false
  const local = canonical.slice(0, canonical.indexOf('@'))
  return form.toLowerCase() === local || parseEmailAddress(form)?.canonical === canonical
}
