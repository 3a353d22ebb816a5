/** What has not changed is not sent again (RFC 9110 section 13.1.2). */
import { createHash } from 'node:crypto'
import type { Context } from './context.ts'

/** The same for the same content, in every process. */
export const entityTag = (content: string): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 22)

/** Of the key set: followers of the feed hear by it that a key came or was withdrawn. */
export const jwksTag = (keys: { jwks(): object }): string => entityTag(JSON.stringify(keys.jwks()))

/**
 * Answers 304 to whoever has it already. Koa's `fresh` is not asked: `fetch` sends `Cache-Control: no-cache`
 * beside If-None-Match, which that takes for a reload.
 * @param tag with its quotation marks
 * @returns whether it is answered
 */
export function isAnsweredByTag(ctx: Context, tag: string): boolean {
  const opaque = (each: string): string => each.trim().replace(/^W\//, '')
  ctx.set('ETag', tag)
  const isKnown = ctx.get('if-none-match').split(',').map(opaque).includes(opaque(tag))
  ctx.status = isKnown ? 304 : 200
  return isKnown
}
