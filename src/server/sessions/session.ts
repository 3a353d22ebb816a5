/** A session: one signed-in device, one row. */
import type { Device } from './device.ts'

/** How the refresh token travels: in JSON (mobile apps) or in a cookie that scripts cannot read. */
export type Transport = 'body' | 'cookie'
export type SessionStatus = 'active' | 'expired' | 'revoked'

/** What a person may know of a session. Nothing in it could be used as a credential. */
export interface Session {
  readonly id: string
  readonly userId: string
  readonly status: SessionStatus
  readonly clientId: string
  readonly transport: Transport
  readonly createdAt: Date
  readonly authenticatedAt: Date
  readonly lastUsedAt: Date
  readonly idleExpiresAt: Date
  readonly expiresAt: Date
  readonly revokedAt: Date | null
  readonly revokedReason: string | null
  readonly amr: readonly string[]
  readonly device: Device
  /** At its last use. */
  readonly ip: string | null
  /** At its sign-in. */
  readonly ipFirst: string | null
  readonly location: { readonly city: string | null; readonly country: string | null } | null
  readonly data: Readonly<Record<string, unknown>>
}

export interface SessionRow {
  id: string
  user_id: string
  status: SessionStatus
  client_id: string
  transport: Transport
  created_at: Date
  authenticated_at: Date
  last_used_at: Date
  idle_expires_at: Date
  absolute_expires_at: Date
  revoked_at: Date | null
  revoked_reason: string | null
  amr: string[]
  device_name: string | null
  device_label: string
  device_type: Device['type']
  device_model: string | null
  browser_name: string | null
  browser_version: string | null
  os_name: string | null
  os_version: string | null
  app_name: string | null
  app_version: string | null
  ip: string | null
  ip_first: string | null
  location: Session['location']
  data: Record<string, unknown>
}

/** A row's `SessionStatus`. */
export const SESSION_STATUS = `
  case
    when revoked_at is not null then 'revoked'
    when least(idle_expires_at, absolute_expires_at) <= clock_timestamp() then 'expired'
    else 'active'
  end`

/** The select list of a `SessionRow`. */
export const SESSION_COLUMNS = `
  id, user_id, client_id, transport, created_at, authenticated_at, last_used_at,
  idle_expires_at, absolute_expires_at, revoked_at, revoked_reason, amr,
  device_name, device_label, device_type, device_model, browser_name, browser_version,
  os_name, os_version, app_name, app_version, host(ip_last) as ip, host(ip_first) as ip_first, location, data,
  ${SESSION_STATUS} as status`

/**
 * The SQL of a session's idle end when it is used now: by its own idle life, its client's, or the service's; a pinned
 * one has none but the absolute end.
 * @param service the parameter with the service's, seconds
 * @param ofClients the parameter with those of clients that have their own (clients/terms.ts)
 */
export const nextIdleEnd = (service: string, ofClients: string): string => `
  case when pinned then absolute_expires_at else clock_timestamp() + make_interval(
    secs => coalesce(idle_ttl, (${ofClients}::jsonb ->> client_id)::float8, ${service}::float8)) end`

/** The condition under which a row is a live session. */
export const IS_LIVE = `
  revoked_at is null and idle_expires_at > clock_timestamp() and absolute_expires_at > clock_timestamp()`

/** When a row that is no live session ceased to be one. */
export const ENDED_AT = 'coalesce(revoked_at, least(idle_expires_at, absolute_expires_at))'

export const toSession = (row: SessionRow): Session => ({
  id: row.id,
  userId: row.user_id,
  status: row.status,
  clientId: row.client_id,
  transport: row.transport,
  createdAt: row.created_at,
  authenticatedAt: row.authenticated_at,
  lastUsedAt: row.last_used_at,
  idleExpiresAt: row.idle_expires_at,
  expiresAt: row.absolute_expires_at,
  revokedAt: row.revoked_at,
  revokedReason: row.revoked_reason,
  amr: row.amr,
  device: {
    name: row.device_name,
    label: row.device_label,
    type: row.device_type,
    browser: { name: row.browser_name, version: row.browser_version },
    os: { name: row.os_name, version: row.os_version },
    model: row.device_model,
    app: { name: row.app_name, version: row.app_version },
  },
  ip: row.ip,
  ipFirst: row.ip_first,
  location: row.location && { city: row.location.city, country: row.location.country },
  data: row.data,
})
