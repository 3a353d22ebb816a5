/** Factories, as verbs: people who register and sign in over HTTP. */
import { randomBytes } from 'node:crypto'

export const PASSWORD = 'a long enough passphrase'
/** Where the web application of the tests lives; servers of tests allow it. */
export const ORIGIN = 'https://app.example'

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

/** A request about one's own sessions: `path` is what follows `/v1/sessions`. */
export const callSessions = (
  url: string,
  method: string,
  path: string,
  token: string,
  body?: unknown,
): Promise<Answer> => send(`${url}/v1/sessions${path}`, { method, token, ...(body === undefined ? {} : { body }) })

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

/** A body exactly as it is given, whatever its type claims. */
export async function sendRaw<Body = Record<string, unknown>>(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  return read(await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }))
}

/** One refresh; `key` is its Idempotency-Key. */
export const refresh = (
  url: string,
  refreshToken: string,
  options: { key?: string; clientId?: string; headers?: Record<string, string> } = {},
): Promise<Answer<RefreshBody>> =>
  sendForm(
    `${url}/oauth/token`,
    {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...(options.clientId === undefined ? {} : { client_id: options.clientId }),
    },
    { ...(options.key === undefined ? {} : { 'idempotency-key': options.key }), ...options.headers },
  )

/**
 * One rotation after the other, each with its own Idempotency-Key where keys are given.
 * @returns the tokens in their order, the one of the sign-in first
 */
export async function rotate(
  url: string,
  device: SignedIn,
  rotations: number | readonly string[],
): Promise<[string, ...string[]]> {
  const options =
    typeof rotations === 'number' ? Array.from({ length: rotations }, () => ({})) : rotations.map((key) => ({ key }))
  const tokens: [string, ...string[]] = [device.refreshToken]
  for (const option of options) {
    const { status, body } = await refresh(url, tokens.at(-1) ?? '', option)
    if (status !== 200) throw new Error(`refreshing was answered ${status} ${JSON.stringify(body)}`)
    tokens.push(body.refresh_token)
  }
  return tokens
}

/** One refresh as a web application's browser sends it. */
export const refreshByCookie = (
  url: string,
  refreshToken: string,
  headers: Record<string, string> = {},
  cookieName = 'hallpass',
): Promise<Answer<RefreshBody>> =>
  sendForm(
    `${url}/oauth/token`,
    { grant_type: 'refresh_token' },
    { cookie: `${cookieName}=${refreshToken}`, origin: ORIGIN, ...headers },
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
  ended_at?: string
  ended_by?: { session_id: string; device: string } | null
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

/** Signs somebody in by the cookie transport, from the allowed origin. */
export const signInByCookie = (
  url: string,
  email: string,
  options: { body?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Promise<SignedIn> =>
  signIn(url, email, {
    body: { transport: 'cookie', ...options.body },
    headers: { origin: ORIGIN, ...options.headers },
  })

/** Somebody new, signed in on a first device. */
export const aSignedInPerson = async (url: string): Promise<SignedIn> => signIn(url, await register(url))

/** Somebody new, signed in in a browser. */
export const aPersonInABrowser = async (url: string): Promise<SignedIn> => signInByCookie(url, await register(url))

/** What an access token says, unchecked. */
export const claimsOf = (accessToken: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

/** The session cookie that an answer sets; '' when it clears it. */
export function cookieIn(headers: Headers): string | undefined {
  const cookie = headers.getSetCookie().find((line) => /^(__Host-)?hallpass=/.test(line))
  return cookie?.split(';')[0]?.split('=')[1]
}

/** The session cookie's attributes as an answer sets them, names in lower case; without the cookie itself. */
export function cookieAttributesIn(headers: Headers): Record<string, string> {
  const line = headers.getSetCookie().find((each) => /^(__Host-)?hallpass=/.test(each)) ?? ''
  const attributes = line.split(';').slice(1)
  return Object.fromEntries(
    attributes.map((attribute) => {
      const [name = '', value = ''] = attribute.trim().split('=')
      return [name.toLowerCase(), value]
    }),
  )
}

/** Which rotation of its session a refresh token belongs to. */
export const generationOf = (refreshToken: string): number =>
  Buffer.from(refreshToken.slice('hprt_'.length), 'base64url').readUInt32BE(34)

async function read<Body>(response: Response): Promise<Answer<Body>> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : {}) as Body }
}
