/** What a route asks of a token beyond being good. Each is a function, so that an API can add its own. */
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { Refused } from './refused.ts'

/**
 * @param now seconds since 1970
 * @throws {Refused} to turn the request away
 */
export type Guard = (token: AccessTokenClaims, now: number) => void

/** All of these scopes (RFC 6750 section 3.1: otherwise 403 `insufficient_scope`, which names them). */
export function requireScope(...scopes: string[]): Guard {
  const wanted = scopes.flatMap((scope) => scope.split(' '))
  return ({ scope }) => {
    const granted = new Set(scope.split(' '))
    if (wanted.every((each) => granted.has(each))) return
    throw new Refused('insufficient_scope', 'the token lacks a scope', {
      challenge: { error: 'insufficient_scope', scope: wanted.join(' ') },
    })
  }
}

/**
 * A claim of a certain value, or one that a function accepts; otherwise 403. Where the claim is an array, one
 * of its elements has to be equal.
 */
export function requireClaim(name: string, expected: string | number | boolean | ((value: unknown) => boolean)): Guard {
  const isAccepted =
    typeof expected === 'function'
      ? expected
      : (value: unknown) => value === expected || (Array.isArray(value) && value.includes(expected))
  return (token) => {
    if (!isAccepted(Object.hasOwn(token, name) ? token[name] : undefined))
      throw new Refused('claim_refused', `the claim ${name} is not what this asks for`)
  }
}

/**
 * The person proved who they are a moment ago; otherwise 401 as RFC 9470 says, on which a client confirms by
 * password or mail and comes again.
 * @param options.maxAge seconds
 */
export const requireRecentAuth =
  ({ maxAge }: { maxAge: number }): Guard =>
  ({ auth_time: authTime }, now) => {
    if (now - authTime <= maxAge) return
    throw new Refused('insufficient_user_authentication', 'the person has to confirm who they are', {
      challenge: { error: 'insufficient_user_authentication', max_age: String(maxAge) },
    })
  }
