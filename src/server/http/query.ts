import type { z } from 'zod'
import { Problem } from '../errors.ts'
import type { Context } from './context.ts'

/**
 * The query string, if it is exactly what `schema` says.
 * @throws {Problem} 400 `invalid_request`; also for a parameter that is repeated
 */
export function readQuery<Schema extends z.ZodType>(ctx: Context, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse({ ...ctx.query })
  if (parsed.success) return parsed.data
  throw new Problem(400, 'invalid_request', 'The query string is not what this request takes.')
}
