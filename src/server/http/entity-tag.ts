import { createHash } from 'node:crypto'

/** The same for the same content, in every process (RFC 9110 section 8.8.3). */
export const entityTag = (content: string): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 22)

/** Of the key set: followers of the feed hear by it that a key came or was withdrawn. */
export const jwksTag = (keys: { jwks(): object }): string => entityTag(JSON.stringify(keys.jwks()))
