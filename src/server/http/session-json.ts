/** A session as it is shown. Never a token, never a hash. */
import type { FullSession } from '../sessions/full-session.ts'
import type { Session } from '../sessions/session.ts'

export const sessionJson = (session: Session, currentId: string | null): Record<string, unknown> => ({
  id: session.id,
  current: session.id === currentId,
  status: session.status,
  client_id: session.clientId,
  transport: session.transport,
  created_at: session.createdAt,
  authenticated_at: session.authenticatedAt,
  last_used_at: session.lastUsedAt,
  idle_expires_at: session.idleExpiresAt,
  expires_at: session.expiresAt,
  revoked_at: session.revokedAt,
  revoked_reason: session.revokedReason,
  amr: session.amr,
  device: {
    name: session.device.name,
    label: session.device.label,
    type: session.device.type,
    browser: session.device.browser,
    os: session.device.os,
    model: session.device.model,
  },
  ip: session.ip,
  location: session.location,
  data: session.data,
})

/** The same as operators see it, with what they can set. */
export const fullSessionJson = (session: FullSession): Record<string, unknown> => ({
  user_id: session.userId,
  ...sessionJson(session, null),
  app: session.device.app,
  ip_first: session.ipFirst,
  pinned: session.pinned,
  idle_ttl: session.idleTtl,
  claims: session.claims,
})
