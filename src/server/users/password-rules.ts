/** Which passwords may be chosen, and the one form in which a password is counted, compared and hashed. */
import { readFileSync } from 'node:fs'
import { parseEmailAddress } from './email-address.ts'

/** Stable codes, shown to clients. */
export type PasswordFault = 'too_short' | 'too_long' | 'too_common' | 'same_as_email' | 'invalid_characters'

const MIN_CODE_POINTS = 8
const MAX_CODE_POINTS = 128

// More UTF-16 units than 128 code points take in NFC or NFD, and still cheap to normalise.
const MAX_UNITS = 1024

const SERVICE_NAME = 'hallpass'

/**
 * What is wrong with a password that somebody wants to have. There are no composition rules: length and being
 * unguessable are what counts (NIST SP 800-63B-4 section 3.1.1.2).
 *
 * @param password as it was entered; nothing is trimmed
 * @param context.email the account's address; an empty string where there is none
 * @returns every fault found, none for a good password
 */
export const checkPassword = (password: string, context: { email: string }): PasswordFault[] => {
  if (password.length > MAX_UNITS) return ['too_long']
  const form = normalizePassword(password)
  if (form === null) return ['invalid_characters']

  const faults: PasswordFault[] = []
  const { length } = Array.from(form)
  if (length < MIN_CODE_POINTS) faults.push('too_short')
  if (length > MAX_CODE_POINTS) faults.push('too_long')
  // Where strings end at a NUL, as in C, the same hash would compare only what stands before it.
  if (form.includes('\0')) faults.push('invalid_characters')
  if (isCommon(form.toLowerCase())) faults.push('too_common')
  if (isSameAsEmail(form, context.email)) faults.push('same_as_email')
  return faults
}

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

// Digits before or after it do not make a common password an uncommon one.
const isCommon = (folded: string): boolean => {
  const common = loadCommonPasswords()
  return common.has(folded) || common.has(folded.replace(/^\d+/, '').replace(/\d+$/, '')) || isPattern(folded)
}

let commonPasswords: Set<string> | undefined

const loadCommonPasswords = (): Set<string> => {
  if (commonPasswords === undefined) {
    const lines = readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8').split(/\r?\n/)
    commonPasswords = new Set(lines.filter((line) => line !== '' && !line.startsWith('#')))
    commonPasswords.add(SERVICE_NAME)
  }
  return commonPasswords
}

// The list leaves out repetitions ("abababab") and sequences ("87654321"). Long ones are weak, but not common.
const isPattern = (folded: string): boolean => {
  const codes = Array.from(folded, (character) => character.codePointAt(0) ?? 0)
  if (codes.length > 16) return false
  return /^(.{1,4})\1+$/su.test(folded) || isSequence(codes, 1) || isSequence(codes, -1)
}

const isSequence = (codes: number[], step: number): boolean =>
  codes.length >= MIN_CODE_POINTS && codes.every((code, index) => code === (codes[0] ?? 0) + index * step)

const isSameAsEmail = (form: string, email: string): boolean => {
  const canonical = parseEmailAddress(email)?.canonical
  if (canonical === undefined) return false
  const local = canonical.slice(0, canonical.indexOf('@'))
  return form.toLowerCase() === local || parseEmailAddress(form)?.canonical === canonical
}
