/** Passwords that are among the first guesses, whatever their length. */
import { readFileSync } from 'node:fs'

/**
 * Whether it is on the shipped list or one of the names, in any case, with digits around it or several times over, or
 * a short repetition or sequence.
 *
 * @param form in NFC
 * @param names of the service, compared by their letters and digits
 */
export function isCommonPassword(form: string, names: readonly string[]): boolean {
  const folded = form.toLowerCase()
  if (isPattern(folded)) return true
  const list = (commonPasswords ??= readList())
  // Digits before or after it do not make a common password an uncommon one, nor does saying it twice.
  const bare = folded.replace(/^\d+/, '').replace(/\d+$/, '')
  const once = /^(.+?)\1+$/su.exec(bare)?.[1] ?? bare
  const known = new Set(names.map(lettersOf).filter((name) => name !== ''))
  return [folded, bare, once].some((text) => list.has(text) || known.has(lettersOf(text)))
}

const lettersOf = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, '')

let commonPasswords: Set<string> | undefined

function readList(): Set<string> {
  const lines = readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8').split(/\r?\n/)
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')))
}

// The list leaves out repetitions ("abababab") and sequences ("87654321"). Long ones are weak, but not common.
function isPattern(folded: string): boolean {
  const codes = Array.from(folded, (character) => character.codePointAt(0) ?? 0)
  if (codes.length > 16) return false
  return /^(.{1,4})\1+$/su.test(folded) || isSequence(codes, 1) || isSequence(codes, -1)
}

const isSequence = (codes: number[], step: number): boolean =>
  codes.length >= 8 && codes.every((code, index) => code === (codes[0] ?? 0) + index * step)
