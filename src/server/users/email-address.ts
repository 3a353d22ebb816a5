/** E-mail addresses: which strings are one, and when two of them are the same account. */
import { domainToASCII, domainToUnicode } from 'node:url'

export type EmailAddress = {
  /** As given, trimmed and in NFC: what mail is sent to and what people are shown. */
  address: string
  /** What is compared, and unique among accounts: lower case, the domain as A-labels. */
  canonical: string
}

// RFC 5321 section 4.5.3.1, in octets; 254 is what a path of 256 leaves without its angle brackets.
const MAX_OCTETS = 254
const MAX_LOCAL_OCTETS = 64

// Far more than a long address takes before it is trimmed and composed.
const MAX_INPUT_UNITS = 1024

/**
 * Reads one address, never a list of them, and nothing that two systems could take for different ones.
 *
 * @returns null for what is not an address we write to
 */
export const parseEmailAddress = (input: string): EmailAddress | null => {
  // Control characters and lone surrogates. Before trimming, which takes line breaks away: they have no business in
  // an address, at its ends neither.
  if (input.length > MAX_INPUT_UNITS || /[\p{Cc}\p{Cs}]/u.test(input)) return null

  const address = input.trim().normalize('NFC')
  const at = address.indexOf('@')
  if (at === -1) return null
  const givenLocal = address.slice(0, at)
  const local = canonicalLocalPart(givenLocal)
  const domain = canonicalDomain(address.slice(at + 1))
  if (local === null || domain === null) return null

  const canonical = `${local}@${domain}`
  const fits =
    octets(address) <= MAX_OCTETS &&
    octets(canonical) <= MAX_OCTETS &&
    octets(givenLocal) <= MAX_LOCAL_OCTETS &&
    octets(local) <= MAX_LOCAL_OCTETS
  return fits ? { address, canonical } : null
}

// Characters that need quoting in a local part (RFC 5322 section 3.2.3) or would make it a list, white space, and
// what cannot be seen. Dots, plus signs and apostrophes are as good as letters.
const FORBIDDEN_IN_LOCAL_PART = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}"(),:;<>@[\\\]]/u

const canonicalLocalPart = (local: string): string | null => {
  if (local === '' || FORBIDDEN_IN_LOCAL_PART.test(local)) return null
  // Compatibility characters (full-width letters, ligatures, "＠") are refused, as RFC 8264 section 9.17 does for
  // identifiers: somewhere on the way they become their plain form, which is another account's address. Refusing
  // them is simpler than telling which of the two was meant. What NFKC leaves alone stays distinct: ı and i, ß and ss.
  if (local.normalize('NFKC') !== local) return null
  // Sigma is the one letter whose lower case depends on its place; both forms have the same upper case.
  // Lower case can compose where upper case cannot: "H\u0331" is two code points, "\u1e96" is one.
  return local.toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

const LDH_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

// Names only. A last label of digits makes it an IPv4 address (RFC 3696 section 2).
const canonicalDomain = (domain: string): string | null => {
  const given = domain.toLowerCase().split('.')
  const labels = domainToASCII(domain).split('.')
  // domainToASCII is the URL parser's: it also decodes %61, drops what follows a slash, maps 0x7f.1 and "。" and forgets
  // soft hyphens. Mail goes to the address as given, so nothing but case may differ between it and what is compared.
  const isFaithful =
    labels.length === given.length &&
    labels.every((label, index) => given[index] === label || given[index] === domainToUnicode(label))
  if (!isFaithful || !labels.every((label) => LDH_LABEL.test(label))) return null

  const canonical = labels.join('.')
  if (labels.length === 1) return canonical === 'localhost' ? canonical : null
  return /\.\d+$/.test(canonical) ? null : canonical
}

const octets = (text: string): number => Buffer.byteLength(text, 'utf8')
