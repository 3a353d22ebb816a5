/** Factories, as verbs: people who register and sign in over HTTP. */
import { randomBytes } from 'node:crypto'

export const PASSWORD = 'a long enough passphrase'

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export interface SignedIn {
  readonly email: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly sessionId: string
  readonly userId: string
}

/** A JSON request, and the JSON of its answer. */
export async function send<Body = Record<string, unknown>>(
  url: string,
  options: { method?: string; body?: unknown; headers?: Record<string, string>; token?: string } = {},
): Promise<Answer<Body>> {
  const { body, token, headers = {} } = options
  const response = await fetch(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return read(response)
}

/** A form to `/oauth/...`. */
export async function sendForm<Body = Record<string, unknown>>(
  url: string,
  parameters: Record<string, string> | URLSearchParams,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(parameters),
  })
  return read(response)
}

/** One refresh; `key` is its Idempotency-Key. */
export const refresh = (
  url: string,
  refreshToken: string,
  options: { key?: string; clientId?: string } = {},
): Promise<Answer<RefreshBody>> =>
  sendForm(
    `${url}/oauth/token`,
    {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(options.clientId === undefined ? {} : { client_id: options.clientId }),
    },
    options.key === undefined ? {} : { 'idempotency-key': options.key },
  )

export interface RefreshBody {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token: string
  refresh_expires_in: number
  session_id: string
  error?: string
  error_description?: string
  reason?: string
  terminal?: boolean
}

export const anAddress = (): string => `person-${randomBytes(6).toString('hex')}@example.com`

/** Registers somebody new. */
export async function register(url: string, email = anAddress(), password = PASSWORD): Promise<string> {
  const { status } = await send(`${url}/v1/users`, { body: { email, password } })
  if (status !== 202) throw new Error(`registering was answered ${status}`)
  return email
}

/** Signs somebody in on one more device, by the body transport unless told otherwise. */
export async function signIn(
  url: string,
  email: string,
  options: { body?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Promise<SignedIn> {
  const answer = await send<{
    access_token: string
    refresh_token?: string
    session: { id: string }
  }>(`${url}/v1/sessions`, {
    body: { email, password: PASSWORD, ...options.body },
    headers: options.headers ?? {},
  })
  if (answer.status !== 201) throw new Error(`signing in was answered ${answer.status} ${JSON.stringify(answer.body)}`)
  const { access_token: accessToken, refresh_token: refreshToken, session } = answer.body
  return {
    email,
    accessToken,
    refreshToken: refreshToken ?? cookieIn(answer.headers) ?? '',
    sessionId: session.id,
    userId: claimsOf(accessToken)['sub'] as string,
  }
}

/** Somebody new, signed in on a first device. */
export const aSignedInPerson = async (url: string): Promise<SignedIn> => signIn(url, await register(url))

/** What an access token says, unchecked. */
export const claimsOf = (accessToken: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

/** The session cookie that an answer sets; '' when it clears it. */
export function cookieIn(headers: Headers): string | undefined {
  const cookie = headers.getSetCookie().find((line) => /^(__Host-)?hallpass=/.test(line))
  return cookie?.split(';')[0]?.split('=')[1]
}

async function read<Body>(response: Response): Promise<Answer<Body>> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : {}) as Body }
}
