import type { Context } from './context.ts'

/** The language that the person would like best (RFC 9110 section 12.5.4), for the mail they ask for; null where none is named. */
export function languageOf(ctx: Context): string | null {
  const [best] = ctx.acceptsLanguages()
  return best === undefined || best === '*' || best.length > 35 ? null : best
}
