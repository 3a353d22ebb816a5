/** What an application keeps with a session: data, shown with it, and claims, in its access tokens. */
import { isCleanJson } from '../clean-json.ts'
import { checkOwnClaims } from '../tokens/own-claims.ts'
import { claimsInData } from './claims.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export interface SessionContent {
  readonly claims: JsonObject
  readonly data: JsonObject
}

export interface ContentFault {
  readonly pointer: string
  readonly code: string
}

/** Bytes of JSON. */
const MOST_DATA = 4096

/**
 * What cannot be in it, and where (RFC 6901); null where all is well.
 * @param dataClaims members of `data` that go into access tokens: the client's choice, whose application may mean
 * something else by one of those names
 */
export function faultIn({ claims, data }: SessionContent, dataClaims: readonly string[]): ContentFault | null {
  if (!isCleanJson([claims, data])) return { pointer: '', code: 'invalid_characters' }
  const own = checkOwnClaims(claims)
  if (own !== null) return own
  if (Buffer.byteLength(JSON.stringify(data)) > MOST_DATA) return { pointer: '/data', code: 'too_large' }
  const inData = checkOwnClaims(claimsInData(data, dataClaims))
  return inData && { pointer: '/data', code: inData.code }
}

/** RFC 7396: members of the patch replace those of the target, null takes one away, objects are patched inside. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else if (isObject(value)) merged.set(name, mergePatch(objectIn(merged.get(name)), value))
    else merged.set(name, value)
  }
  return Object.fromEntries(merged) // which makes own properties of every name, `__proto__` too
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const objectIn = (value: unknown): JsonObject => (isObject(value) ? value : {})
