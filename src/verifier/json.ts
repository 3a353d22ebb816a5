/** JSON from outside: an object, or null for whatever else it is. */
import { base64url } from 'jose'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** A part of a compact JWS: UTF-8, JSON, an object (RFC 7519 section 7.2). */
export function decodePart(part: string): Record<string, unknown> | null {
  try {
    return parseObject(utf8.decode(base64url.decode(part)))
  } catch {
    return null
  }
}
