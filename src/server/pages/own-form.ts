/** Cross-site forms end here: nobody else's page signs a person in as somebody else, or has mail sent to them. */
import { Problem } from '../errors.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { Context } from '../http/context.ts'
import { comesFromAllowedOrigin } from '../http/origin.ts'

/**
 * A page with `Referrer-Policy: no-referrer` has its forms sent with `Origin: null` (Fetch standard,
 * "append a request Origin header"), so that says nothing. `Sec-Fetch-Site` does, which no page can write.
 * Pages with `Referrer-Policy: same-origin` have the issuer's own `Origin` sent, also by browsers without that.
 * @param allowedOrigins where the issuer's own always is one
 * @throws {Problem} 403 `origin_not_allowed` unless the form is ours or that of an allowed origin
 */
export function demandOwnForm(ctx: Context, allowedOrigins: AllowedOrigins): void {
  if (ctx.get('sec-fetch-site') === 'same-origin' || comesFromAllowedOrigin(ctx, allowedOrigins)) return
  throw new Problem(403, 'origin_not_allowed', 'This form is taken from our own page only.')
}
