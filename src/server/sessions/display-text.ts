/**
 * Makes text that a client sent fit to be shown to people and to be stored: one line, no control
 * characters, nothing invisible that could reorder or hide what stands beside it.
 *
 * @param max the most characters (code points) that are kept
 * @returns null when nothing visible is left
 */
export const displayText = (text: string | null | undefined, max: number): string | null => {
  if (text == null) return null
  // Cut first, so that the length of hostile input costs nothing; the factor leaves room for what is stripped.
  const clean = text
    .slice(0, max * 4)
    .toWellFormed()
    .replace(INVISIBLE, '')
    .replace(/[\p{Cc}\p{Zs}\p{Zl}\p{Zp}]+/gu, ' ')
  const short = Array.from(clean.trim()).slice(0, max).join('').trim()
  return VISIBLE.test(short) ? short : null
}

// Format characters hold the bidi overrides (U+202A to U+202E, U+2066 to U+2069). The two joiners
// stay: emoji and Persian names are written with them.
const INVISIBLE = /(?![\u200c\u200d])\p{Cf}/gu
const VISIBLE = /[^\s\u200c\u200d]/
