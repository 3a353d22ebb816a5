/** What a request knows about itself on its way down. */
import type { RouterContext, RouterMiddleware } from '@koa/router'
import type { AccessTokenClaims } from '../../protocol/claims.ts'
import type { Session } from '../sessions/session.ts'

/** Who calls, by a valid access token of a session that was live when it was read. */
export interface Caller {
  readonly claims: AccessTokenClaims
  readonly session: Session
  /** The database's clock when it was read. */
  readonly now: Date
}

/** The program that calls, by an API key or an access token made with one. */
export interface CallingKey {
  readonly id: string
  /** When its credential is one no more; milliseconds since 1970. */
  readonly expiresAt: number | null
}

export interface State {
  /** Set by `requireSession`. */
  caller?: Caller
  /** Set by `requireScope`. */
  callingKey?: CallingKey
  /** For the log: whose request it turned out to be. */
  sessionId?: string
  userId?: string
  /** For the log: why it failed, never shown to the caller. */
  failure?: unknown
}

export type Context = RouterContext<State>
export type Handler = RouterMiddleware<State>

/** @throws when the route forgot its guard */
export function callerOf(ctx: Context): Caller {
  if (ctx.state.caller === undefined) throw new Error(`${ctx.path} is not behind requireSession`)
  return ctx.state.caller
}

/** @throws when the route forgot its guard */
export function callingKeyOf(ctx: Context): CallingKey {
  if (ctx.state.callingKey === undefined) throw new Error(`${ctx.path} is not behind requireScope`)
  return ctx.state.callingKey
}
