/**
 * The address by which browsers know a service, and the bad network before it: a proxy that loses answers, refuses
 * and waits as it is told. The service behind may stop, and another one take its place.
 */
import { once } from 'node:events'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { paths } from '../../src/protocol/paths.ts'
import { generationOf } from './people.ts'

/** One refresh, as it came by. */
export interface Refresh {
  readonly key: string
  /** Of the cookie that was presented; null where there was none. */
  readonly generation: number | null
  /** What the service said, heard or not; 0 when it was not asked, or did not answer. */
  status: number
  /** Of the cookie that the answer sets. */
  issued: number | null
}

/** An answer of the service that waits here. */
export interface Held {
  deliver(): void
  /** The connection breaks instead. */
  lose(): void
}

export interface FrontDoor {
  /** What the issuer is called. */
  readonly url: string
  /** Where the service is; null: nobody is there. */
  target: string | null
  /** All that came since the last `forget`, oldest first. */
  readonly refreshes: readonly Refresh[]
  /** The same of all requests, preflights aside: `GET /v1/sessions`. */
  readonly requests: readonly string[]
  /** How many streams of events are open, with their first bytes sent. */
  readonly streams: number
  /** The next refresh is decided, and nobody hears of it. */
  loseNext(): void
  /** The next refresh does not reach the service. */
  refuseNext(retryAfter: number): void
  /** The next refresh, or another request, is decided, and its answer waits. Resolves when it is there. */
  holdNext(request?: string): Promise<Held>
  /** So many refreshes wait for each other before any of them goes on. */
  gather(count: number): void
  forget(): void
  close(): Promise<void>
}

type Hold = (held: Held) => void
type Fate = 'pass' | 'lose' | { readonly refuse: number } | { readonly hold: Hold }

const REFRESH = `POST ${paths.token}`

export async function openFrontDoor(): Promise<FrontDoor> {
  const fates: Fate[] = []
  let refreshes: Refresh[] = []
  let requests: string[] = []
  const holds = new Map<string, Hold>()
  let streams = 0
  let gathering: { left: number; readonly all: PromiseWithResolvers<void> } | undefined

  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy())
  })

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url } = request
    const body = Buffer.concat(await request.toArray())
    const name = `${method} ${url}`
    if (method !== 'OPTIONS') requests.push(name)
    if (name !== REFRESH) return forward(request, body, response)

    const fate = fates.shift() ?? 'pass'
    const refresh = readRefresh(request)
    refreshes.push(refresh)
    await gathered()
    if (typeof fate === 'object' && 'refuse' in fate) return refuse(request, response, fate.refuse)
    const answer = await askService(request, body)
    refresh.status = answer.statusCode ?? 0
    refresh.issued = generationIn(answer.headers['set-cookie']?.[0])
    if (fate === 'lose' || (typeof fate === 'object' && (await isLost(fate.hold)))) {
      answer.resume()
      response.destroy()
    } else pass(answer, response)
  }

  async function gathered(): Promise<void> {
    if (gathering === undefined) return
    const { all } = gathering
    gathering.left -= 1
    if (gathering.left === 0) {
      gathering = undefined
      all.resolve()
    }
    await all.promise
  }

  async function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const answer = await askService(request, body)
    if (request.url === paths.sessionEvents && answer.statusCode === 200 && request.method === 'GET') {
      answer.once('data', () => (streams += 1))
      answer.once('data', () => answer.once('close', () => (streams -= 1)))
    }
    const name = `${request.method} ${request.url}`
    const hold = holds.get(name)
    holds.delete(name)
    if (hold !== undefined && (await isLost(hold))) response.destroy()
    else pass(answer, response)
  }

  function askService(request: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    if (door.target === null) throw new Error('nobody is there')
    const { method, url, headers } = request
    const outgoing = ask(new URL(url ?? '', door.target), { method, headers, agent: false })
    request.socket.once('close', () => outgoing.destroy())
    outgoing.end(body)
    return new Promise((resolve, reject) => outgoing.once('response', resolve).once('error', reject))
  }

  const door: FrontDoor = {
    url: '',
    target: null,
    get refreshes() {
      return refreshes
    },
    get requests() {
      return requests
    },
    get streams() {
      return streams
    },
    loseNext: () => void fates.push('lose'),
    refuseNext: (retryAfter) => void fates.push({ refuse: retryAfter }),
    holdNext: (request = REFRESH) =>
      new Promise((hold) => void (request === REFRESH ? fates.push({ hold }) : holds.set(request, hold))),
    gather(count) {
      gathering = { left: count, all: Promise.withResolvers() }
    },
    forget() {
      fates.length = 0
      holds.clear()
      refreshes = []
      requests = []
      gathering = undefined
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  server.listen(0, 'localhost')
  await once(server, 'listening')
  return Object.assign(door, { url: `http://localhost:${(server.address() as AddressInfo).port}` })
}

const readRefresh = ({ headers }: IncomingMessage): Refresh => ({
  key: String(headers['idempotency-key']),
  generation: generationIn(headers.cookie),
  status: 0,
  issued: null,
})

function generationIn(cookie: string | undefined): number | null {
  const [token] = /hprt_[\w-]+/.exec(cookie ?? '') ?? []
  return token === undefined ? null : generationOf(token)
}

const isLost = (hold: Hold): Promise<boolean> =>
  new Promise((decide) => hold({ deliver: () => decide(false), lose: () => decide(true) }))

function pass(answer: IncomingMessage, response: ServerResponse): void {
  // On a connection that was used before, Chromium repeats a lost request by itself.
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'close' })
  response.flushHeaders()
  answer.once('error', () => response.destroy())
  response.once('close', () => answer.destroy())
  answer.pipe(response)
}

function refuse(request: IncomingMessage, response: ServerResponse, retryAfter: number): void {
  response.writeHead(503, {
    'access-control-allow-origin': request.headers.origin ?? '',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'Retry-After',
    'content-type': 'application/json',
    'retry-after': `${retryAfter}`,
  })
  response.end(JSON.stringify({ error: 'temporarily_unavailable' }))
}
