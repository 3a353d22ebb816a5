/** Where a person wants to go after signing in, if that is a place where we may send people. */
import { isAllowedOrigin } from '../http/allowed-origins.ts'

/** Stands for this service while a path is read; no real host can have the name (RFC 2606). */
const HERE = 'http://here.invalid'
/** Longer ones do not survive every mail and every proxy. Characters. */
const LONGEST = 2_000

/**
 * @param wanted a path of this service, or a URL of an allowed origin; anybody can have written it
 * @returns it in its normal form, or null for anything that might lead elsewhere
 */
export function readReturnTo(wanted: string | undefined, allowedOrigins: readonly string[]): string | null {
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
  return isPlain && isAllowedOrigin(allowedOrigins, url.origin) ? url.href : null
}

/** What a page's policy has to let its form redirect to; nothing more for a path of this service. */
export const formTargetOf = (returnTo: string | null): string | null =>
  returnTo === null || returnTo.startsWith('/') ? null : new URL(returnTo).origin
