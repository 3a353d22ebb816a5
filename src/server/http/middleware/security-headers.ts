import type { Handler } from '../context.ts'

/**
 * For an API that answers JSON to scripts: nothing may be framed, sniffed, cached or referred from.
 * OWASP REST security, ASVS 3.4.
 * @param isSecure whether the issuer is https; plain http is localhost, and HSTS would outlive it
 */
export const securityHeaders = ({ isSecure }: { isSecure: boolean }): Handler => {
  const headers = Object.entries({
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Resource-Policy': 'same-site',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ...(isSecure ? { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' } : {}),
  })
  return (ctx, next) => {
    for (const [name, value] of headers) ctx.res.setHeader(name, value)
    return next()
  }
}
