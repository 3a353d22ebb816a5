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

  // Koa refuses a Secure cookie on what looks like http, which TLS that ends at a proxy does.
  const write = (ctx: Context, value: string, maxAge: number | null): void => {
    ctx.cookies.secure = isSecure
    ctx.cookies.set(name, value, {
      httpOnly: true,
      sameSite: 'strict',
      secure: isSecure,
      path: '/',
      overwrite: true,
      ...(maxAge === null ? {} : { maxAge: maxAge * 1000 }),
    })
  }

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
