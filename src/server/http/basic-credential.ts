import type { Context } from './context.ts'

/**
 * Id and secret of HTTP Basic (RFC 7617), each form-encoded before it was joined (RFC 6749 section 2.3.1).
 * @returns null where the request has none, or one that cannot be read
 */
export function basicCredential(ctx: Context): { id: string; secret: string } | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(ctx.get('authorization')) ?? []
  if (encoded === undefined) return null
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon === -1) return null
  try {
    return { id: formDecoded(pair.slice(0, colon)), secret: formDecoded(pair.slice(colon + 1)) }
  } catch {
    return null // a stray percent sign
  }
}

const formDecoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))
