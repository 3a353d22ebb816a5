import { InvalidValue, listOf } from './values.ts'
import type { Kind } from './values.ts'

/** How to make a good one; part of every fault about a secret. */
export const secretAdvice = 'make one with: openssl rand -base64 32'

/** A secret of the ring: text that nobody can guess. */
export const secret: Kind<string> = {
  parse(text) {
    const problem = weaknessOf(text)
    if (problem !== null) throw new InvalidValue(`${problem}; ${secretAdvice}`)
    return text
  },
  show: () => 'set, hidden',
}

/** Secrets of the ring, comma-separated. */
export const secrets: Kind<readonly string[]> = listOf(secret)

/** Somebody else's, who chose it as they liked. */
export const foreignSecret: Kind<string> = { parse: (text) => text, show: () => 'set, hidden' }

/**
 * Why a text is too easy to guess, or cannot be used, as a secret; null when nothing speaks against
 * it. It cannot tell a random text from a well-made one, it stops what people type in a hurry.
 */
export function weaknessOf(text: string): string | null {
  if (text.trim() !== text) return 'must not begin or end with a space'
  if (text.includes(',')) return 'must not contain a comma, or it could never move to the list of previous secrets'
  if (text.length < 32) return 'must be at least 32 characters long'
  if (new Set(text).size < 10) return 'must have at least 10 different characters'
  if (isRepetition(text)) return 'must not be a shorter text repeated'
  if (isPlaceholder(text)) return 'must be random, not a placeholder'
  return null
}

function isRepetition(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.slice(period) === text.slice(0, -period)) return true
  }
  return false
}

const placeholderWords = new RegExp(
  [
    '0123456789|1234567890|9876543210|abcdefghijklmnopqrstuvwxyz|qwertyuiop|asdfghjkl|zxcvbnm',
    'change|replace|insert|enter|please|this|your|with|must|here|before|default|example|sample|placeholder|dummy|todo',
    'secret|password|passphrase|passwd|credential|hallpass|session|signing|token|jwt|key|value|string|characters|random',
    'production|development|insecure|unsafe|testing|test|local|admin|root|letmein|qwerty|super|very|long|strong|least',
    'correct|horse|battery|staple|me',
  ].join('|'),
  'gi',
)

// Random text holds such a word now and then, and keeps nearly all of its length without it.
const isPlaceholder = (text: string): boolean => text.replace(placeholderWords, '').replace(/[\s_.-]/g, '').length < 16
