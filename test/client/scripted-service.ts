/**
 * The service as a client sees it, without sockets: it keeps the refresh rules, with no grace at all, and
 * answers by script where a story wants it. Reuse ends the session, so that no slip goes unnoticed.
 */
import { paths } from '../../src/protocol/paths.ts'

export const ISSUER = 'https://auth.example'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  /** The members of a form, or of JSON. */
  readonly body: Readonly<Partial<Record<string, string>>>
  /** By the clock that nobody sets. */
  readonly at: number
  /** Whoever asked has given up. */
  readonly signal: AbortSignal | undefined
}

/** @param onward what the service says by itself, after it has acted */
export type Reply = (asked: Asked, onward: () => Response) => Response | Promise<Response>

export interface ScriptedService {
  readonly fetch: typeof fetch
  /** Everything that it was asked, the oldest first. */
  readonly asked: readonly Asked[]
  /** What it was asked at one path. */
  askedAt(path: string): Asked[]
  /** The refreshes: what was presented, and with which key. */
  readonly refreshes: readonly { readonly token: unknown; readonly key: string | null; readonly at: number }[]
  /** The next requests at this path are answered so, one by one. */
  next(path: string, ...replies: Reply[]): void
  /** Until told otherwise; without a reply, by the service itself. */
  always(path: string, reply?: Reply): void
  /** Sessions that have not ended. */
  readonly live: readonly string[]
  readonly ended: ReadonlyMap<string, string>
  /** Ends a session from elsewhere. */
  end(sid: string, reason: string): void
  /** Somebody signs in with this browser, on a page of the service. */
  signInOnAPage(): string
  /** Seconds. */
  life: number
}

interface Session {
  generation: number
  /** By the generation that was presented. */
  readonly keys: Map<number, string | null>
  readonly transport: unknown
}

/** How many keys of rotations are remembered (docs/refresh.md). */
const REMEMBERED = 4

export function createScriptedService(): ScriptedService {
  const asked: Asked[] = []
  const scripts = new Map<string, Reply[]>()
  const standing = new Map<string, Reply>()
  const sessions = new Map<string, Session>()
  const ended = new Map<string, string>()
  /** What an answer does to the browser's cookie, once it is there. */
  const cookies = new WeakMap<Response, string | null>()
  let cookie: string | null = null
  let made = 0

  const refresh = ({ body, headers }: Asked, withCookie: boolean): Response => {
    const token = withCookie ? cookie : body['refresh_token']
    if (typeof token !== 'string') return refusal('no_token') // docs/refresh.md, "Refusals"
    const [sid = '', presented] = token.split('.')
    const session = sessions.get(sid)
    if (session === undefined) return refusal(ended.get(sid) ?? 'unknown_session')
    const generation = Number(presented)
    const key = headers.get('idempotency-key')
    const keys = withCookie ? [key, ...(body['former_idempotency_keys'] ?? '').split(' ')] : [key]
    if (generation === session.generation) {
      session.keys.set(generation, key)
      session.generation += 1
    } else if (generation < session.generation - REMEMBERED || !keys.includes(`${session.keys.get(generation)}`)) {
      end(sid, 'token_reuse')
      return refusal('token_reuse')
    }
    return grant(sid, withCookie, { session_id: sid })
  }

  function grant(sid: string, withCookie: boolean, more: object, status = 200): Response {
    const token = `${sid}.${sessions.get(sid)?.generation}`
    const answer = Response.json(
      {
        access_token: accessToken(sid),
        expires_in: service.life,
        ...(withCookie ? {} : { refresh_token: token }),
        ...more,
      },
      { status },
    )
    if (withCookie) cookies.set(answer, token)
    return answer
  }

  const accessToken = (sid: string): string => `access.${sid}.${(made += 1)}`
  const sidIn = (request: Asked): string => request.headers.get('authorization')?.split('.')[1] ?? ''

  function signIn(transport: unknown): string {
    const sid = `session-${(made += 1)}`
    sessions.set(sid, { generation: 0, keys: new Map(), transport })
    return sid
  }

  function end(sid: string, reason: string): void {
    if (sessions.delete(sid)) ended.set(sid, reason)
  }

  function answer(request: Asked, withCookie: boolean): Response {
    const { path, method, body } = request
    if (path === paths.token) return refresh(request, withCookie)
    if (path === paths.revoke) {
      end(body['token']?.split('.')[0] ?? '', 'signed_out')
      return Response.json({})
    }
    if (path === paths.sessions && method === 'POST') {
      const sid = signIn(body['transport'])
      return grant(sid, body['transport'] === 'cookie', { session: { id: sid, current: true } }, 201)
    }
    const sid = sidIn(request)
    if (!sessions.has(sid)) return Response.json({ code: 'invalid_access_token' }, { status: 401 })
    if (path === paths.currentSession) {
      end(sid, 'signed_out')
      const gone = new Response(null, { status: 204 })
      if (cookie?.startsWith(`${sid}.`)) cookies.set(gone, null)
      return gone
    }
    return Response.json({ access_token: accessToken(sid), expires_in: service.life })
  }

  const service: ScriptedService = {
    life: 300,
    asked,
    ended,
    askedAt: (path) => asked.filter((each) => each.path === path),
    get refreshes() {
      return service
        .askedAt(paths.token)
        .map(({ body, headers, at }) => ({ token: body['refresh_token'], key: headers.get('idempotency-key'), at }))
    },
    get live() {
      return [...sessions.keys()]
    },
    next: (path, ...replies) => void scripts.set(path, [...(scripts.get(path) ?? []), ...replies]),
    always: (path, reply) => void (reply === undefined ? standing.delete(path) : standing.set(path, reply)),
    end,
    signInOnAPage() {
      const sid = signIn('cookie')
      cookie = `${sid}.0`
      return sid
    },
    async fetch(input, init = {}) {
      const { pathname: path } = new URL(input instanceof Request ? input.url : input)
      const request: Asked = {
        method: init.method ?? 'GET',
        path,
        headers: new Headers(init.headers),
        body: bodyOf(init.body),
        at: performance.now(),
        signal: init.signal ?? undefined,
      }
      asked.push(request)
      const reply = scripts.get(path)?.shift() ?? standing.get(path) ?? ((_, onward) => onward())
      const response = await reply(request, () => answer(request, init.credentials === 'include'))
      if (cookies.has(response)) cookie = cookies.get(response) ?? null
      return response
    },
  }
  return service
}

function bodyOf(body: unknown): Record<string, string> {
  if (typeof body !== 'string') return {}
  return body.startsWith('{')
    ? (JSON.parse(body) as Record<string, string>)
    : Object.fromEntries(new URLSearchParams(body))
}

export const refusal = (reason: string, terminal = true): Response =>
  Response.json(refusalBody(reason, terminal), { status: 400 })

const refusalBody = (reason: string, terminal = true) => ({
  error: 'invalid_grant',
  error_description: 'It is over.',
  reason,
  terminal,
})

/** The state of a client that the service told so, with all that it said. */
export const overBecauseOf = (reason: string) => ({
  status: 'signed_out',
  sessionId: null,
  reason,
  message: 'It is over.',
  details: refusalBody(reason),
})

/** Nobody is there. */
export const fail: Reply = () => {
  throw new TypeError('fetch failed')
}

/** The service has acted; what it said is lost. */
export const loseAnswer: Reply = (_, onward) => {
  onward()
  throw new TypeError('terminated')
}

/** Nobody answers, until whoever asked gives up. */
export const hang: Reply = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))))

export const say =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Reply =>
  () =>
    typeof body === 'string'
      ? new Response(body, { status, headers: { 'content-type': 'text/html', ...headers } })
      : Response.json(body, { status, headers })

export interface Held {
  readonly reply: Reply
  /** Whether somebody waits. */
  readonly isAsked: () => boolean
  /** The answer, which has been given long ago, arrives; whether or not somebody still waits. */
  release(): void
}

/** Acts at once and answers when the story says so. Giving up does not reach it: not every fetch can. */
export function hold(): Held {
  let release = (): void => undefined
  let isAsked = false
  const released = new Promise<void>((resolve) => (release = resolve))
  return {
    reply: async (_, onward) => {
      isAsked = true
      const answer = onward()
      await released
      return answer
    },
    isAsked: () => isAsked,
    release: () => release(),
  }
}
