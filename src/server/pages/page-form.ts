import { Problem } from '../errors.ts'
import { readForm, type FormParameters } from '../http/body.ts'
import type { Context } from '../http/context.ts'

/** @throws {Problem} 400 `invalid_request` for what is no form */
export const readPageForm = (ctx: Context): Promise<FormParameters> =>
  readForm(ctx, (detail) => new Problem(400, 'invalid_request', detail))
