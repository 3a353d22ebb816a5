import { InvalidArgumentError } from 'commander'

/** Its size and its names are looked at where it is stored. */
export function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // said below
  }
  throw new InvalidArgumentError('It is not a JSON object, such as {"plan":"team"}.')
}
