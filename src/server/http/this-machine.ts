/** What only a developer may see, in front of the machine that runs the service. */
import { Problem } from '../errors.ts'
import { isLoopback } from './client-address.ts'
import type { Context } from './context.ts'

const FORWARDING_HEADER = /^(forwarded|via|x-real-ip|x-forwarded-.+)$/

/**
 * No proxy in between, no name that another page could have rebound.
 * @throws {Problem} 404 `not_found` for anybody else
 */
export function demandThisMachine(ctx: Context): void {
  if (!isAtThisMachine(ctx)) throw new Problem(404, 'not_found', 'There is nothing here.')
}

const isAtThisMachine = (ctx: Context): boolean =>
  isLoopback(ctx.req.socket.remoteAddress) &&
  !Object.keys(ctx.headers).some((name) => FORWARDING_HEADER.test(name)) &&
  /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(ctx.get('host'))
