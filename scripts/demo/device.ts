/**
 * An application on a device: it keeps one refresh token, and beside it the Idempotency-Key with which
 * that token will be presented, made and stored in the same step (the client rule, docs/refresh.md).
 */
import { randomUUID } from 'node:crypto'
import type { Hardware } from './hardware.ts'
import { request, type Answer } from './request.ts'
import type { Service } from './service.ts'

export type Transport = 'body' | 'cookie'

/** What a device keeps: presented together, replaced together. */
export interface Credential {
  readonly refreshToken: string
  readonly idempotencyKey: string
}

export interface TokenAnswer {
  readonly access_token: string
  readonly expires_in: number
  readonly refresh_token?: string
  readonly refresh_expires_in: number
  readonly session_id?: string
  readonly session?: SessionAnswer
  readonly error?: string
  readonly error_description?: string
  readonly reason?: string
  readonly terminal?: boolean
}

export interface SessionAnswer {
  readonly id: string
  readonly current: boolean
  readonly status: string
  readonly transport: string
  readonly last_used_at: string
  readonly device: { readonly name: string | null; readonly label: string; readonly type: string }
}

export interface Device {
  readonly hardware: Hardware
  readonly credential: Credential
  readonly accessToken: string
  signIn(email: string, password: string): Promise<Answer<TokenAnswer>>
  /** Presents what it keeps, and keeps what it is given. */
  refresh(): Promise<Answer<TokenAnswer>>
  /** Presents a credential and keeps nothing. */
  present(credential: Credential | { refreshToken: string }): Promise<Answer<TokenAnswer>>
  /** The same request as `refresh` would send, for whoever wants to send it in another way. */
  refreshRequest(credential: Credential | { refreshToken: string }): { headers: Record<string, string>; body: string }
  /** Takes over what an answer to this credential brought. */
  keep(answer: Answer<TokenAnswer>): void
  /** A request with the access token. */
  call<Body>(method: string, path: string): Promise<Answer<Body>>
}

export function createDevice(hardware: Hardware, { url, issuer }: Service): Device {
  let credential: Credential = { refreshToken: '', idempotencyKey: '' }
  let accessToken = ''
  // A browser says which page a request comes from, here one of the issuer's own; an app does not.
  const own =
    hardware.transport === 'cookie' ? { ...hardware.headers, origin: new URL(issuer).origin } : hardware.headers
  let cookieName = ''

  const device: Device = {
    hardware,
    get credential() {
      return credential
    },
    get accessToken() {
      return accessToken
    },
    async signIn(email, password) {
      const { deviceName, transport } = hardware
      const answer = await request<TokenAnswer>(`${url}/v1/sessions`, {
        method: 'POST',
        headers: { ...own, 'content-type': 'application/json' },
        body: JSON.stringify({ email, password, client_id: 'demo', transport, device_name: deviceName }),
      })
      if (answer.status === 201) device.keep(answer)
      return answer
    },
    async refresh() {
      const answer = await device.present(credential)
      if (answer.status === 200) device.keep(answer)
      return answer
    },
    present: (presented) => request(`${url}/oauth/token`, { method: 'POST', ...device.refreshRequest(presented) }),
    refreshRequest(presented) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'demo' })
      if (hardware.transport === 'body') form.set('refresh_token', presented.refreshToken)
      return {
        headers: {
          ...own,
          'content-type': 'application/x-www-form-urlencoded',
          ...('idempotencyKey' in presented ? { 'idempotency-key': presented.idempotencyKey } : {}),
          ...(hardware.transport === 'cookie' ? { cookie: `${cookieName}=${presented.refreshToken}` } : {}),
        },
        body: form.toString(),
      }
    },
    keep(answer) {
      cookieName = answer.cookie?.name ?? cookieName
      credential = { refreshToken: tokenIn(answer), idempotencyKey: randomUUID() }
      accessToken = answer.body.access_token
    },
    call: (method, path) =>
      request(url + path, { method, headers: { ...own, authorization: `Bearer ${accessToken}` } }),
  }
  return device
}

/** The refresh token of an answer, from the body or from the cookie; empty where there is none. */
export const tokenIn = (answer: Answer<TokenAnswer>): string => answer.body.refresh_token ?? answer.cookie?.value ?? ''
