/**
 * What the forms of a page carry: proof that the page was made for this very session, and so no other site's
 * (OWASP, "HMAC-based token pattern"), and when the person at it last confirmed who they are.
 *
 *   seconds since 1970 of the confirmation, or 0 · "." · MAC over session id and those seconds
 *
 * It is in no cookie and no address, so the confirmation is gone when the page is closed.
 */
import type { Ring } from './ring.ts'
import { isSameSecret } from './secrets.ts'

export interface FormTokens {
  /** @param confirmedAt null where nothing was confirmed */
  make(sessionId: string, confirmedAt: Date | null): string
  /** @returns null for a token that is not good for this session */
  read(token: string | undefined, sessionId: string): { readonly confirmedAt: Date | null } | null
}

/** One number has one spelling. */
const FORM = /^(0|[1-9]\d{0,10})\.([A-Za-z0-9_-]{22})$/

export function createFormTokens({ ring }: { ring: Ring }): FormTokens {
  return {
    make(sessionId, confirmedAt) {
      const seconds = confirmedAt === null ? '0' : String(Math.floor(confirmedAt.getTime() / 1000))
      return `${seconds}.${macOf(ring.current, sessionId, seconds)}`
    },
    read(token, sessionId) {
      const [, seconds, mac] = FORM.exec(token ?? '') ?? []
      if (seconds === undefined || mac === undefined) return null
      const isGood = ring.secrets.some((secret) =>
        isSameSecret(Buffer.from(macOf(secret, sessionId, seconds)), Buffer.from(mac)),
      )
      if (!isGood) return null
      return { confirmedAt: seconds === '0' ? null : new Date(Number(seconds) * 1000) }
    },
  }
}

const macOf = (secret: Ring['current'], sessionId: string, seconds: string): string =>
  secret.formMac(Buffer.from(`${sessionId}.${seconds}`)).toString('base64url')
