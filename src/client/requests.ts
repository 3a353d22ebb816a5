/** What the client asks of the service (docs/http.md). */
import type { paths } from '../protocol/paths.ts'
import { unavailable } from './errors.ts'
import { newKey, type Kept } from './record.ts'
import type { Service } from './service.ts'

/** Written out, since a bundle would have all of the service's paths in it; the compiler holds the two together. */
const TOKEN: (typeof paths)['token'] = '/oauth/token'
const REVOKE: (typeof paths)['revoke'] = '/oauth/revoke'
export const SESSIONS: (typeof paths)['sessions'] = '/v1/sessions'
const CURRENT: (typeof paths)['currentSession'] = '/v1/sessions/current'
const REAUTHENTICATION: (typeof paths)['reauthentication'] = '/v1/sessions/current/reauthentication'
export const EVENTS: (typeof paths)['sessionEvents'] = '/v1/sessions/current/events'

export interface Tokens {
  readonly access_token: string
  /** Seconds. */
  readonly expires_in: number
  /** None in cookie mode. */
  readonly refresh_token?: string
}

export interface Requests {
  refresh(kept: Kept): Promise<Tokens & { readonly session_id: string }>
  signIn<Session>(request: object): Promise<Tokens & { readonly session: Session }>
  reauthenticate(proof: object, bearer: string | undefined): Promise<Tokens>
  /** By an access token of the session. */
  endSession(bearer: string): Promise<unknown>
  /** By any refresh token of the session. */
  revoke(refreshToken: string): Promise<unknown>
}

export function createRequests(deps: {
  readonly service: Service
  readonly transport: 'cookie' | 'body'
  readonly clientId: string | undefined
}): Requests {
  const { service, transport, clientId } = deps
  /** A proxy's 200 is not our answer: it signs nobody in, and replaces no token. */
  function understood<Answer extends Tokens>(
    answer: Answer,
    brings = transport === 'body' ? 'refresh_token' : 'access_token',
  ): Answer {
    if (answer.expires_in > 0 && answer[brings as keyof Answer]) return answer
    throw unavailable()
  }

  return {
    async refresh({ token, key, former }) {
      const body = {
        grant_type: 'refresh_token',
        refresh_token: token,
        former_idempotency_keys: former,
        client_id: clientId,
      }
      return understood(await service(TOKEN, { body, headers: { 'Idempotency-Key': key } }))
    },
    async signIn(request) {
      const body = { ...request, transport, client_id: clientId }
      return understood(await service(SESSIONS, { body }))
    },
    async reauthenticate(body, bearer) {
      return understood(await service(REAUTHENTICATION, { body, bearer }), 'access_token')
    },
    endSession: (bearer) => service(CURRENT, { method: 'DELETE', bearer }),
    revoke: (token) => service(REVOKE, { body: { token } }),
  }
}

/** Four keys, as many rotations as the service remembers. Characters. */
const FORMER = 4 * 44

/**
 * What to keep of an answer: its token and the key for that, together. Who sees the token makes its key of what
 * stays secret of the key before and of the token's end, so that everybody who got the one from the other has the
 * same key: a token with two keys would be reuse.
 * @param was what was presented for it
 */
export const toKept = ({ refresh_token: token }: Tokens, sid: string, was?: Kept): Kept => ({
  token,
  key: token && was ? was.key.slice(0, 32) + token.slice(-22) : newKey(),
  former: was && !token ? `${was.key} ${was.former ?? ''}`.slice(0, FORMER) : undefined,
  sid,
})
