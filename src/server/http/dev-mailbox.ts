/** `GET /dev/mailbox.json`: where mail goes while nobody has said how to send it. */
import { Problem } from '../errors.ts'
import { isLoopback } from './client-address.ts'
import type { Context, Handler } from './context.ts'

const FORWARDING_HEADER = /^(forwarded|via|x-real-ip|x-forwarded-.+)$/

/** Shown to somebody at this machine only: no proxy in between, no name that another page could have rebound. */
export const devMailbox: Handler = (ctx) => {
  if (!isAtThisMachine(ctx)) throw new Problem(404, 'not_found', 'There is nothing here.')
  ctx.body = { messages: [] }
}

const isAtThisMachine = (ctx: Context): boolean =>
  isLoopback(ctx.req.socket.remoteAddress) &&
  !Object.keys(ctx.headers).some((name) => FORWARDING_HEADER.test(name)) &&
  /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(ctx.get('host'))
