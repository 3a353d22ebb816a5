/**
 * Tokens that were checked before. Found by the end of their signature, and then compared in whole: whatever
 * differs in one character is another token. A hash of the whole token would say the same and costs more than
 * all the rest (docs/decisions/0019). What is found here is still asked against the revocations.
 */
import type { AccessTokenClaims } from '../protocol/claims.ts'

export interface TokenCache {
  find(accessToken: string): AccessTokenClaims | undefined
  add(accessToken: string, token: AccessTokenClaims): void
  /** A key was withdrawn: what it signed is not good any more. */
  clear(): void
  readonly size: number
}

interface Known {
  readonly accessToken: string
  readonly token: AccessTokenClaims
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

/** Characters: 32 bytes of a signature, which no two tokens share but by malice. */
const END = 43

/**
 * @param options.size at most so many tokens; 0 switches it off
 * @param options.clockTolerance seconds
 * @param options.now milliseconds since 1970
 */
export function createTokenCache(options: { size: number; clockTolerance: number; now: () => number }): TokenCache {
  const { size, clockTolerance, now } = options
  /** The oldest first, which is nearly the first to expire. */
  const tokens = new Map<string, Known>()

  return {
    find(accessToken) {
      const known = tokens.get(accessToken.slice(-END))
      return known !== undefined && known.accessToken === accessToken && known.endsAt > now() ? known.token : undefined
    },
    add(accessToken, token) {
      if (size === 0) return
      for (const [oldest, { endsAt }] of tokens) {
        if (tokens.size < size && endsAt > now()) break
        tokens.delete(oldest)
      }
      tokens.set(accessToken.slice(-END), { accessToken, token, endsAt: (token.exp + clockTolerance) * 1000 })
    },
    clear: () => tokens.clear(),
    get size() {
      return tokens.size
    },
  }
}
