/** The three answers of the service that a verifier asks for, in memory. */
import { decodeJwt } from 'jose'
import { paths } from '../../protocol/paths.ts'
import type { Fetch } from '../service.ts'
import type { TestClock } from './clock.ts'

interface TestFeed {
  add(sid: string, kind: 'revoked' | 'stale'): void
  /** As the service does every five seconds. */
  tellHorizon(): void
  /** Open streams break off. */
  cut(): void
}

interface Entry {
  readonly sid: string
  readonly kind: string
  readonly issued_until: string
  readonly until: string
}

/** What the service keeps an entry for, by its defaults. Seconds. */
const KEEP = 360
/** Milliseconds. */
const HORIZON_EVERY = 5_000

export function createTestService(deps: { issuer: string; clock: TestClock; jwks: () => object }) {
  const { issuer, clock, jwks } = deps
  const entries: Entry[] = []
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>()
  let isTicking = false
  const requests: string[] = []
  const service = {
    fetch: answer as Fetch,
    feed: { add, tellHorizon, cut } satisfies TestFeed,
    requests,
    isDown: false,
  }

  async function answer(url: string, init: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(url)
    const path = pathname.slice(new URL(issuer).pathname.replace(/\/$/, '').length)
    requests.push(path)
    init.signal?.throwIfAborted()
    if (service.isDown) throw new TypeError('fetch failed')
    if (path === paths.jwks) return answerKeys(new Headers(init.headers))
    if (path === paths.introspect)
      return Response.json({ active: isActive(new URLSearchParams(init.body as URLSearchParams)) })
    if (path !== paths.revocations) return new Response(null, { status: 404 })
    const headers = new Headers(init.headers)
    if (headers.get('authorization') === null) return new Response(null, { status: 401 })
    const since = Number(headers.get('last-event-id') ?? searchParams.get('since') ?? 0)
    return headers.get('accept') === 'text/event-stream' ? follow(since, init.signal ?? null) : list(since)
  }

  function answerKeys(headers: Headers): Response {
    const etag = `"${tag()}"`
    if (headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } })
    return Response.json(jwks(), { headers: { etag, 'cache-control': 'public, max-age=300' } })
  }

  /** Content is the tag: a test's key set is small. */
  const tag = (): string => btoa(JSON.stringify(jwks())).replaceAll('"', '')

  function isActive(form: URLSearchParams): boolean {
    const { sid, iat = 0, exp = 0 } = decodeJwt(form.get('token') ?? '')
    const isOver = entries.some((entry) => entry.sid === sid && iat * 1000 <= Date.parse(entry.issued_until))
    return !isOver && exp * 1000 > clock.now()
  }

  const horizon = () => ({ horizon: new Date(clock.now()).toISOString(), jwks: tag() })

  const inForce = (since: number): Entry[] =>
    entries.slice(since).filter(({ until }) => Date.parse(until) > clock.now())

  const list = (since: number): Response =>
    Response.json({ cursor: String(entries.length), ...horizon(), revocations: inForce(since) })

  function follow(since: number, signal: AbortSignal | null): Response {
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        for (const entry of inForce(since)) tell(stream, 'revocation', entry)
        tell(stream, 'horizon', horizon())
        streams.add(stream)
        if (!isTicking) tick()
        const abort = (): void => breakOff(stream)
        signal?.addEventListener('abort', abort, { once: true })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  function add(sid: string, kind: 'revoked' | 'stale'): void {
    const now = Math.floor(clock.now() / 1000) * 1000
    const entry = {
      sid,
      kind,
      issued_until: new Date(now).toISOString(),
      until: new Date(now + KEEP * 1000).toISOString(),
    }
    entries.push(entry)
    for (const stream of streams) tell(stream, 'revocation', entry)
  }

  function tell(stream: ReadableStreamDefaultController<Uint8Array>, event: string, data: object): void {
    const text = `event: ${event}\nid: ${entries.length}\ndata: ${JSON.stringify(data)}\n\n`
    stream.enqueue(new TextEncoder().encode(text))
  }

  function tellHorizon(): void {
    if (!service.isDown) for (const stream of streams) tell(stream, 'horizon', horizon())
  }

  function cut(): void {
    for (const stream of streams) breakOff(stream)
  }

  function breakOff(stream: ReadableStreamDefaultController<Uint8Array>): void {
    if (streams.delete(stream)) stream.error(new TypeError('terminated'))
  }

  /** Only while somebody listens: a test that lets a day pass does not wait for it. */
  function tick(): void {
    isTicking = streams.size > 0
    if (isTicking) clock.after(HORIZON_EVERY, () => (tellHorizon(), tick()))
  }

  return service
}
