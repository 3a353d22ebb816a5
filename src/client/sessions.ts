/** The devices of the account (docs/http.md, "Sessions"). */
import { SESSIONS } from './requests.ts'
import type { Service } from './service.ts'

/** As the service has it. Times are RFC 3339. */
export interface SessionInfo {
  readonly id: string
  /** Whether it is this device's. */
  readonly current: boolean
  readonly status: 'active' | 'expired' | 'revoked'
  readonly client_id: string
  readonly transport: 'body' | 'cookie'
  readonly created_at: string
  readonly authenticated_at: string
  readonly last_used_at: string
  readonly idle_expires_at: string
  readonly expires_at: string
  readonly revoked_at: string | null
  readonly revoked_reason: string | null
  /** How the person proved who they are: `pwd`, `otp` (a link by mail). */
  readonly amr: readonly string[]
  readonly device: {
    /** What its owner called it; show it in place of the label where there is one. */
    readonly name: string | null
    readonly label: string
    readonly type: string
    readonly browser: { readonly name: string | null; readonly version: string | null }
    readonly os: { readonly name: string | null; readonly version: string | null }
    readonly model: string | null
  }
  readonly ip: string | null
  readonly location: { readonly city: string | null; readonly country: string | null } | null
  readonly data: Readonly<{ [name: string]: unknown }>
}

/** All throw a `HallpassError`. Ending other devices wants recent authentication: `insufficient_user_authentication`. */
export interface Sessions {
  /** Newest use first. */
  list(options?: { readonly status?: 'active' | 'expired' | 'revoked' | 'all' }): Promise<readonly SessionInfo[]>
  revoke(id: string): Promise<void>
  /** @returns how many */
  revokeOthers(): Promise<number>
  /** @param name null: as it was before it had one */
  rename(id: string, name: string | null): Promise<SessionInfo>
  /** Called when another device signed in, was renamed or has gone, while somebody looks. @returns to stop that */
  onChange(listener: () => void): () => void
}

/** @param service with the access token */
export function createSessions(service: Service, onChange: (listener: () => void) => () => void): Sessions {
  const one = (id: string): string => `${SESSIONS}/${encodeURIComponent(id)}`
  return {
    async list({ status = 'active' } = {}) {
      const path = `${SESSIONS}?status=${status}`
      return (await service<{ sessions: SessionInfo[] }>(path, { method: 'GET' })).sessions
    },
    async revoke(id) {
      await service(one(id), { method: 'DELETE' })
    },
    async revokeOthers() {
      return (await service<{ revoked: number }>(`${SESSIONS}?except=current`, { method: 'DELETE' })).revoked
    },
    rename: (id, name) => service(one(id), { method: 'PATCH', body: { device_name: name } }),
    onChange,
  }
}
