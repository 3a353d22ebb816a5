import { createClientAddress } from './client-address.ts'
import type { Context } from './context.ts'

/** The address that a request came from, beyond the proxies that are trusted. */
export type ClientAddressOf = (ctx: Context) => string | null

export function createClientAddressOf(trustedProxies: readonly string[]): ClientAddressOf {
  const clientAddress = createClientAddress(trustedProxies)
  return (ctx) => clientAddress(ctx.req.socket.remoteAddress, ctx.get('x-forwarded-for') || undefined)
}
