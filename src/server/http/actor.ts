import { bySession, type Actor } from '../sessions/actor.ts'
import type { ClientAddressOf } from './client-address-of.ts'
import { callerOf, callingKeyOf, type Context } from './context.ts'

/** For the history: the person who is signed in, by which session, and from where. */
export const actorOf = (ctx: Context, clientAddressOf: ClientAddressOf): Actor =>
  bySession(callerOf(ctx).session, clientAddressOf(ctx))

/** The program that calls by an API key, on behalf of whoever runs the service. */
export const adminActorOf = (ctx: Context, clientAddressOf: ClientAddressOf): Actor => ({
  kind: 'admin',
  id: callingKeyOf(ctx).id,
  sessionId: null,
  ip: clientAddressOf(ctx),
})
