import { bySession, type Actor } from '../sessions/actor.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import { callerOf, type Context } from './context.ts'

/** For the history: the person who is signed in, by which session, and from where. */
export const actorOf = (ctx: Context, clientAddressOf: ClientAddressOf): Actor =>
  bySession(callerOf(ctx).session, clientAddressOf(ctx))
