/** Claims that an operator gives a user: which may be given, and which of them a change touches. */
import { isDeepStrictEqual } from 'node:util'
import { isCleanJson } from '../clean-json.ts'
import { InvalidMember } from '../sessions/invalid-member.ts'
import { checkOwnClaims } from '../tokens/own-claims.ts'

export type UserClaims = Readonly<Record<string, unknown>>

/** What cannot be in access tokens. */
export class InvalidClaims extends InvalidMember {
  override readonly name = 'InvalidClaims'
}

/** `invalid_type`, `invalid_characters`, `reserved_name`, `too_large` */
export function findClaimsFault(claims: UserClaims): { pointer: string; code: string } | null {
  if (Array.isArray(claims) || Object(claims) !== claims) return { pointer: '/claims', code: 'invalid_type' }
  if (!isCleanJson(claims)) return { pointer: '/claims', code: 'invalid_characters' }
  return checkOwnClaims(claims)
}

/** @throws {InvalidClaims} */
export function demandUserClaims(claims: UserClaims): void {
  const fault = findClaimsFault(claims)
  if (fault !== null) throw new InvalidClaims(fault.pointer, fault.code)
}

/** The names of what was added, taken away, or says something else, in alphabetical order. */
export const changedMembers = (former: UserClaims, present: UserClaims): string[] =>
  [...new Set([...Object.keys(former), ...Object.keys(present)])]
    .filter((name) => !isDeepStrictEqual(former[name], present[name]))
    .toSorted()
