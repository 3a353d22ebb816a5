/** The cookie that carries a refresh token to the one place that reads it, and to no script. */
import type { Context } from './context.ts'

export interface SessionCookie {
  readonly name: string
  /** The values sent under the cookie's name: none, one, or several, which no browser of ours sends. */
  read(ctx: Context): string[]
  /** @param maxAge seconds; null ends with the browser */
  set(ctx: Context, refreshToken: string, maxAge: number | null): void
  clear(ctx: Context): void
}

/**
 * `__Host-` (RFC 6265bis): over https only, for this host and the whole of it, set by nobody else. Plain
 * http is for localhost, where browsers do without.
 */
export function createSessionCookie({ isSecure }: { isSecure: boolean }): SessionCookie {
  const name = isSecure ? '__Host-hallpass' : 'hallpass'

  // Written by hand: Koa's own knows no Max-Age, and refuses Secure where TLS ends at a proxy.
  const write = (ctx: Context, value: string, maxAge: number | null): void =>
    ctx.set(
      'Set-Cookie',
      [`${name}=${value}`, ...ATTRIBUTES, ...(isSecure ? ['Secure'] : []), ...lifeOf(maxAge)].join('; '),
    )

  return {
    name,
    read: (ctx) =>
      ctx
        .get('cookie')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(`${name}=`))
        .map((pair) => pair.slice(name.length + 1)),
    set: write,
    clear: (ctx) => write(ctx, '', 0),
  }
}

const ATTRIBUTES = ['Path=/', 'HttpOnly', 'SameSite=Strict']
const lifeOf = (maxAge: number | null): string[] => (maxAge === null ? [] : [`Max-Age=${maxAge}`])
