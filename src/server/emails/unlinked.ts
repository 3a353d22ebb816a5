/** Words of strangers in our mails: to be read, not to be clicked. */
import { displayText } from '../sessions/display-text.ts'

const HAIR_SPACE = '\u200a'

/**
 * One line in which no mail program finds a link: a hair space stands after whatever could hold one
 * together. A space that hardly shows is the safest of breaks. Joiners of no width are part of an
 * address to some (Android's patterns) and dropped from it by browsers (UTS 46), quotation marks stop
 * nobody, and markup does nothing for the plain text.
 *
 * @param max the most characters that are kept
 * @returns null when nothing visible is left
 */
export const unlinked = (text: string | null | undefined, max: number): string | null =>
  displayText(text, max)?.replace(NUMBER_OR_JOINT, (found) => (found.length > 1 ? found : found + HAIR_SPACE)) ?? null

/**
 * An address has to be read and copied exactly, so it stays as it is, and a mail program may offer to
 * write to it. Only those that could pass for a web address, too, are broken like other text.
 */
export const unlinkedAddress = (address: string | undefined): string | null =>
  address !== undefined && PLAIN_ADDRESS.test(address) ? address : unlinked(address, 254)

// "14.1" stays whole. The others are full stops, colons, slashes and at signs, also of other scripts,
// since browsers take those for the same.
const NUMBER_OR_JOINT = /(?<![\d.])\d+\.\d+(?![\d.])|[.:/\\@\u2024\u3002\ufe52\uff0e\uff61\uff1a\uff0f\uff20](?=\S)/gu

const PLAIN_ADDRESS = /^(?!www\.)[\p{L}\p{M}\p{N}._+'-]{1,64}@[\p{L}\p{M}\p{N}.-]{1,253}$/iu
