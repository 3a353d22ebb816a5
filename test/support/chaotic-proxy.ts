/** Between a device and its service: a bad network, full of proxies that answer by themselves. */
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { AddressInfo } from 'node:net'
import { paths } from '../../src/protocol/paths.ts'
import { generationOf } from './people.ts'
import type { Random } from './random.ts'

/** A refresh as the service answered it, whatever became of the answer. */
export interface AnsweredRefresh {
  readonly presented: string
  readonly key: string
  readonly status: number
  readonly body: { readonly refresh_token?: string; readonly session_id?: string; readonly reason?: string }
}

export interface ChaoticProxy {
  readonly url: string
  /** Everything goes through, from now on. */
  calmDown(): void
  /** What the service said, in its order. */
  readonly answered: readonly AnsweredRefresh[]
  /** What became of the requests, and how often. */
  readonly fates: ReadonlyMap<string, number>
  /** What is still on its way arrives. */
  settle(): Promise<void>
  close(): Promise<void>
}

interface Asked {
  readonly presented: string
  readonly key: string
  readonly send: () => Promise<Answer>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/**
 * How many rotations later an old request may still arrive. The service remembers four keys, and one more
 * rotation may be under way.
 */
const LATEST = 3

/** @param random decides what becomes of each refresh; everything else goes through */
export async function startChaoticProxy(target: string, random: Random): Promise<ChaoticProxy> {
  const agent = new Agent({ keepAlive: true })
  const answered: AnsweredRefresh[] = []
  const fates = new Map<string, number>()
  let isCalm = false
  /** Requests whose senders have given up; they arrive all the same, before one of this generation does. */
  let late: (Asked & { readonly at: number })[] = []
  let arriving: Promise<unknown> = Promise.resolve()

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = await read(incoming, target, agent)
    if (incoming.url !== paths.token) return pass(await asked.send(), outgoing)
    const send = async (): Promise<Answer> => {
      const answer = await asked.send()
      const { presented, key } = asked
      answered.push({ presented, key, status: answer.status, body: JSON.parse(answer.body.toString()) as object })
      return answer
    }
    await (arriving = arriving.then(() => deliverLate(generationOf(asked.presented))))
    const [name, meet] = isCalm ? PASSED : random.weighted(FATES)
    fates.set(name, (fates.get(name) ?? 0) + 1)
    await meet({
      random,
      outgoing,
      send,
      deliver: (answer) => pass(answer, outgoing),
      later() {
        const at = generationOf(asked.presented) + random.upTo(LATEST) + 1
        late.push({ ...asked, send, at })
      },
    })
  }

  async function deliverLate(generation: number): Promise<void> {
    const due = late.filter(({ at }) => at <= generation)
    late = late.filter(({ at }) => at > generation)
    await Promise.allSettled(due.map(({ send }) => send()))
  }

  const server = createServer((incoming, outgoing) => {
    outgoing.on('error', () => undefined)
    handle(incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered,
    fates,
    calmDown() {
      isCalm = true
    },
    settle: () => deliverLate(Infinity),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      agent.destroy()
    },
  }
}

async function read(incoming: IncomingMessage, target: string, agent: Agent): Promise<Asked> {
  const { method = 'GET', url = '/', headers } = incoming
  const body = await bodyOf(incoming)
  return {
    presented: new URLSearchParams(body.toString()).get('refresh_token') ?? '',
    key: headers['idempotency-key'] as string,
    send: async () => {
      const outgoing = request(new URL(url, target), {
        method,
        headers: { ...headers, host: new URL(target).host },
        agent,
      })
      outgoing.end(body)
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      return { status: response.statusCode ?? 0, headers: response.headers, body: await bodyOf(response) }
    },
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const pass = ({ status, headers, body }: Answer, outgoing: ServerResponse): void => {
  outgoing.writeHead(status, { 'content-type': headers['content-type'] ?? 'text/plain', 'content-length': body.length })
  outgoing.end(body)
}

interface Turn {
  readonly random: Random
  readonly outgoing: ServerResponse
  /** To the service, which acts. */
  readonly send: () => Promise<Answer>
  /** To the device. */
  readonly deliver: (answer: Answer) => void
  /** It arrives when nobody waits for it any more. */
  readonly later: () => void
}

type Fate = readonly [name: string, meet: (turn: Turn) => void | Promise<void>]

const PASSED: Fate = ['passed', async ({ send, deliver }) => deliver(await send())]

/** Somebody between answers, and the service hears nothing. */
const instead =
  (status: number, type: string, body: string, headers: Record<string, string> = {}): Fate[1] =>
  ({ outgoing }) => {
    outgoing.writeHead(status, { 'content-type': type, ...headers })
    outgoing.end(body)
  }

const HTML = 'text/html'
const JSON_TYPE = 'application/json'
const LATER = { 'retry-after': '1' }
const A_PAGE = '<!doctype html><title>Welcome</title><p>Accept our terms to go on.'

const FATES: readonly (readonly [weight: number, fate: Fate])[] = [
  [50, PASSED],
  [
    5,
    [
      'delayed',
      async ({ random, send, deliver }) => {
        await delay(random.upTo(10))
        const answer = await send()
        await delay(random.upTo(10))
        deliver(answer)
      },
    ],
  ],
  [5, ['request lost', ({ outgoing }) => void outgoing.destroy()]],
  [
    8,
    [
      'answer lost',
      async ({ outgoing, send }) => {
        await send()
        outgoing.destroy()
      },
    ],
  ],
  [
    6,
    [
      'answer cut in the middle',
      async ({ random, outgoing, send }) => {
        const { status, body } = await send()
        outgoing.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': body.length })
        outgoing.write(body.subarray(0, random.upTo(body.length - 1)), () => outgoing.destroy())
      },
    ],
  ],
  [
    6,
    [
      'sent twice',
      async ({ random, send, deliver }) => {
        const answers = await Promise.all([send(), send()])
        deliver(random.oneOf(answers))
      },
    ],
  ],
  [
    5,
    [
      'sent once more, later',
      async ({ send, deliver, later }) => {
        deliver(await send())
        later()
      },
    ],
  ],
  [
    5,
    [
      'arrived after the device had given up',
      ({ outgoing, later }) => {
        outgoing.destroy()
        later()
      },
    ],
  ],
  [2, ['502', instead(502, HTML, '<h1>Bad Gateway</h1>')]],
  [2, ['503', instead(503, JSON_TYPE, '{"error":"temporarily_unavailable"}')]],
  [2, ['503 with Retry-After', instead(503, JSON_TYPE, '{"error":"temporarily_unavailable"}', LATER)]],
  [1, ['429', instead(429, HTML, 'Slow down')]],
  [1, ['429 with Retry-After', instead(429, JSON_TYPE, '{"error":"rate_limited"}', LATER)]],
  [2, ['captive portal', instead(200, HTML, A_PAGE)]],
  [1, ['captive portal by a redirect', instead(302, HTML, A_PAGE, { location: '/welcome' })]],
  [1, ['200 of somebody else', instead(200, JSON_TYPE, '{"status":"ok"}')]],
  [1, ['400 of somebody else', instead(400, JSON_TYPE, '{"error":"invalid_grant"}')]],
  [1, ['403 of somebody else', instead(403, HTML, 'Forbidden')]],
]
