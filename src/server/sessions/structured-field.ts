/** Structured field values (RFC 9651) from headers that anybody may write: what is not well-formed is not there. */
import { DisplayString, type Item, parseItem, parseList, Token } from 'structured-headers'

/** @returns undefined for a value that is absent, malformed or longer than 1024 characters */
export const readItem = (value: string | undefined): Item | undefined => read(value, parseItem)

/** The list's items, inner lists left out; empty for a value that is absent, malformed or longer than 1024 characters. */
export const readItems = (value: string | undefined): Item[] =>
  (read(value, parseList) ?? []).filter((member): member is Item => !Array.isArray(member[0]))

/** The text of a string, token, display string or number; null for any other kind of value. */
export const textOf = (value: unknown): string | null => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || value instanceof Token || value instanceof DisplayString) return value.toString()
  return null
}

const read = <Value>(value: string | undefined, parse: (value: string) => Value): Value | undefined => {
  if (value === undefined || value.length > 1024) return undefined
  try {
    return parse(value)
  } catch {
    return undefined
  }
}
