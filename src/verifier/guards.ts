/** What a route asks of a token beyond being good. Each is a function, so that an API can add its own. */
import type { AccessTokenClaims } from '../protocol/claims.ts'
import { Refused } from './refused.ts'

/**
 * Throws to turn the request away. It returns nothing: one that answered `false`, or only later, would let
 * everybody pass, so the compiler takes neither. Write `const mine: Guard = (token) => { ... }`.
 * @param now seconds since 1970
 * @throws {Refused}
 */
export type Guard = (token: AccessTokenClaims, now: number) => undefined

/** RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * All of these scopes (RFC 6750 section 3.1: otherwise 403 `insufficient_scope`, which names them).
 * @throws {TypeError} for none: that would guard nothing
 */
export function requireScope(...scopes: string[]): Guard {
  const wanted = scopes.flatMap((scope) => scope.split(' ')).filter((each) => each !== '')
  if (wanted.length === 0 || !wanted.every((each) => SCOPE_TOKEN.test(each)))
    throw new TypeError('requireScope takes one scope or several (RFC 6749 section 3.3)')
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
 * @throws {TypeError} for no value at all: every token without the claim would have it
 */
export function requireClaim(name: string, expected: string | number | boolean | ((value: unknown) => boolean)): Guard {
  if (expected == null) throw new TypeError(`requireClaim has to be told what the claim ${name} is to be`)
  const isAccepted =
    typeof expected === 'function'
      ? // Not a promise, and not whatever else is true enough.
        (value: unknown) => expected(value) === true
      : (value: unknown) => value === expected || (Array.isArray(value) && value.includes(expected))
  return (token) => {
    if (!isAccepted(Object.hasOwn(token, name) ? token[name] : undefined))
      throw new Refused('claim_refused', `the claim ${name} is not what this asks for`)
  }
}

/**
 * The person proved who they are a moment ago; otherwise 401 as RFC 9470 says, on which a client confirms by
 * password or mail and comes again. Nobody stands behind an API key: its tokens are always made just now, and
 * that proves nothing.
 * @param options.maxAge seconds
 * @throws {TypeError} for what is no whole number of them
 */
export function requireRecentAuth({ maxAge }: { maxAge: number }): Guard {
  if (!Number.isSafeInteger(maxAge) || maxAge < 1) throw new TypeError('maxAge is a whole number of seconds above 0')
  return ({ auth_time: authTime, amr }, now) => {
    if (now - authTime <= maxAge && !amr.includes('key')) return
    throw new Refused('insufficient_user_authentication', 'the person has to confirm who they are', {
      challenge: { error: 'insufficient_user_authentication', max_age: String(maxAge) },
    })
  }
}
