/** Where a person wants to go after signing in, if that is a place where we may send people. */
import type { AllowedOrigins } from '../http/allowed-origins.ts'

/** Stands for this service while a path is read; no real host can have the name (RFC 2606). */
const HERE = 'http://here.invalid'
/** Longer ones do not survive every mail and every proxy. Characters. */
const LONGEST = 2_000

/**
 * @param wanted a path of this service, a URL of an allowed origin, or exactly one of `redirectUris`; anybody can have
 * written it
 * @param redirectUris of the client that the person signs in to (RFC 9700 section 2.1: exact string matching)
 * @returns it in its normal form, or null for anything that might lead elsewhere
 */
export const readReturnTo = (
  wanted: string | undefined,
  allowedOrigins: AllowedOrigins,
  redirectUris: readonly string[] = [],
): string | null => redirectUris.find((uri) => uri === wanted) ?? readPlace(wanted, allowedOrigins)

function readPlace(wanted: string | undefined, allowedOrigins: AllowedOrigins): string | null {
  // Browsers read "\" as "/", and skip tabs and line ends: nobody needs them here.
  if (wanted === undefined || wanted.length > LONGEST || !/^[!-[\]-~]+$/.test(wanted)) return null
  if (!URL.canParse(wanted, HERE)) return null
  const url = new URL(wanted, HERE)
  if (wanted.startsWith('/')) {
    const path = url.pathname + url.search + url.hash
    // "/.//evil.example" is a path until its dots are gone.
    return url.origin === HERE && !path.startsWith('//') ? path : null
  }
  const isPlain = /^https?:\/\/[^/@]+(\/|$)/i.test(wanted) && url.username === '' && url.password === ''
  return isPlain && allowedOrigins.has(url.origin) ? url.href : null
}

/** What a page's policy has to let its form redirect to; nothing more for a path of this service. */
export function formTargetOf(returnTo: string | null): string | null {
  if (returnTo === null || returnTo.startsWith('/')) return null
  const { protocol, origin } = new URL(returnTo)
  // An app's own scheme has no origin; the policy then names the scheme (CSP level 3, section 2.3.1).
  return /^https?:$/.test(protocol) ? origin : protocol
}
