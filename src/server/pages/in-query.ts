import type { Context } from '../http/context.ts'

/** An empty parameter is none; of a repeated one nobody can tell which was meant. */
export function inQuery(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
