import type { Context } from '../http/context.ts'

/** After a form: a reload of what follows does nothing again. @param href relative, as `hrefTo` makes it, or allowed */
export function goTo(ctx: Context, href: string): void {
  ctx.status = 303
  ctx.set('Location', href)
  ctx.body = ''
}
