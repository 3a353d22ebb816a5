/** Cross-site request forgery ends here: whoever lets the browser add its cookie says where it comes from. */
import { Problem } from '../errors.ts'
import type { AllowedOrigins } from './allowed-origins.ts'
import type { Context } from './context.ts'

export type DemandOwnOrigin = (ctx: Context) => void

/** `Origin` is allowed, and the browser does not say that the request is cross-site all the same. */
export const comesFromAllowedOrigin = (ctx: Context, allowedOrigins: AllowedOrigins): boolean =>
  allowedOrigins.has(ctx.get('origin')) && ctx.get('sec-fetch-site') !== 'cross-site'

/** @throws {Problem} 403 `origin_not_allowed` unless `Origin` is allowed and the request is not cross-site */
export const createDemandOwnOrigin =
  (allowedOrigins: AllowedOrigins): DemandOwnOrigin =>
  (ctx) => {
    if (comesFromAllowedOrigin(ctx, allowedOrigins)) return
    throw new Problem(
      403,
      'origin_not_allowed',
      'Requests with the session cookie need an Origin header of an allowed origin. Add yours to HALLPASS_ALLOWED_ORIGINS, or to your client (hallpass clients set --origins).',
    )
  }

export type RefuseForeignReaders = (ctx: Context) => void

/** A browser names no `Origin` where a page reads from its own; it says so in another way, or is an old one. */
const OWN_SITES = new Set(['same-origin', 'none', ''])

/**
 * For what the cookie only reads.
 * @throws {Problem} 403 `origin_not_allowed` for pages of other origins, but for those that are allowed
 */
export const createRefuseForeignReaders =
  (allowedOrigins: AllowedOrigins): RefuseForeignReaders =>
  (ctx) => {
    const isOwn = ctx.get('origin') === '' && OWN_SITES.has(ctx.get('sec-fetch-site'))
    if (isOwn || comesFromAllowedOrigin(ctx, allowedOrigins)) return
    throw new Problem(
      403,
      'origin_not_allowed',
      'This page may not read with the session cookie. Add its origin to HALLPASS_ALLOWED_ORIGINS, or to its client (hallpass clients set --origins).',
    )
  }
