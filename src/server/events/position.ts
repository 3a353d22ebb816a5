/** Where a page of the history ends, as its reader carries it about: opaque, since what is in it may change. */

export interface Position {
  /** Microseconds since 1970. */
  readonly at: number
  readonly id: string
}

export const encodePosition = ({ at, id }: Position): string => Buffer.from(`${at} ${id}`).toString('base64url')

/** @returns null for what was never given out */
export function decodePosition(cursor: string): Position | null {
  const text = cursor.length > 100 ? '' : Buffer.from(cursor, 'base64url').toString('latin1')
  const [, at, id] = /^(\d{1,16}) ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/.exec(text) ?? []
  return at === undefined || id === undefined ? null : { at: Number(at), id }
}
