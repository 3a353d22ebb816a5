/** Cross-site request forgery ends here: whoever lets the browser add its cookie says where it comes from. */
import { Problem } from '../errors.ts'
import { isAllowedOrigin } from './allowed-origins.ts'
import type { Context } from './context.ts'

export type DemandOwnOrigin = (ctx: Context) => void

/** `Origin` is allowed, and the browser does not say that the request is cross-site all the same. */
export const comesFromAllowedOrigin = (ctx: Context, allowedOrigins: readonly string[]): boolean =>
  isAllowedOrigin(allowedOrigins, ctx.get('origin')) && ctx.get('sec-fetch-site') !== 'cross-site'

/** @throws {Problem} 403 `origin_not_allowed` unless `Origin` is allowed and the request is not cross-site */
export const createDemandOwnOrigin =
  (allowedOrigins: readonly string[]): DemandOwnOrigin =>
  (ctx) => {
    if (comesFromAllowedOrigin(ctx, allowedOrigins)) return
    throw new Problem(
      403,
      'origin_not_allowed',
      'Requests with the session cookie need an Origin header of an allowed origin. Add yours to HALLPASS_ALLOWED_ORIGINS.',
    )
  }
