/**
 * Tokens that were checked before, by the SHA-256 of the whole token: whatever differs in one character is
 * another token, and no token is kept. What is found here is still asked against the revocations.
 */
import { base64url } from 'jose'
import type { AccessTokenClaims } from '../protocol/claims.ts'

export interface TokenCache {
  /** At once where the runtime can; see `digest`. */
  readonly digest: Digest
  find(digest: string): AccessTokenClaims | undefined
  add(digest: string, token: AccessTokenClaims): void
  /** A key was withdrawn: what it signed is not good any more. */
  clear(): void
  readonly size: number
}

type Digest = (token: string) => string | Promise<string>

/**
 * @param options.size at most so many tokens; 0 switches it off
 * @param options.clockTolerance seconds
 * @param options.now milliseconds since 1970
 */
export function createTokenCache(options: { size: number; clockTolerance: number; now: () => number }): TokenCache {
  const { size, clockTolerance, now } = options
  /** The oldest first, which is nearly the first to expire. */
  const tokens = new Map<string, AccessTokenClaims>()
  const isOver = ({ exp }: AccessTokenClaims): boolean => now() >= (exp + clockTolerance) * 1000

  return {
    digest,
    find(key) {
      const token = tokens.get(key)
      if (token === undefined || !isOver(token)) return token
      tokens.delete(key)
      return undefined
    },
    add(key, token) {
      if (size === 0) return
      for (const [oldest, { exp }] of tokens) {
        if (tokens.size < size && (exp + clockTolerance) * 1000 > now()) break
        tokens.delete(oldest)
      }
      tokens.set(key, token)
    },
    clear: () => tokens.clear(),
    get size() {
      return tokens.size
    },
  }
}

interface NodeCrypto {
  readonly hash?: (algorithm: 'sha256', data: string, encoding: 'base64url') => string
}

interface Runtime {
  readonly process?: { readonly getBuiltinModule?: (name: 'node:crypto') => NodeCrypto | undefined }
}

/** WebCrypto hashes in the background: ten times the cost of the hash itself. Node, Deno and Bun can do it at once. */
const digest: Digest = (() => {
  const hash = (globalThis as Runtime).process?.getBuiltinModule?.('node:crypto')?.hash
  if (hash !== undefined) return (token) => hash('sha256', token, 'base64url')
  const utf8 = new TextEncoder()
  return async (token) => base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(token))))
})()
