/**
 * Many APIs in one process, each with a stream of its own. Ten at most are verifiers: told by the parent which
 * tokens to watch, they answer with the instants at which they first refused them. The others only take what
 * is sent: a thousand APIs that read it are not on the server's machine.
 */
import { connect } from 'node:net'
import { createVerifier, type Verifier } from '../../src/verifier/index.ts'
import type { AccessTokenClaims } from '../../src/protocol/claims.ts'

export interface Start {
  readonly url: string
  readonly issuer: string
  readonly apiKey: { readonly id: string; readonly key: string }
  readonly count: number
}

export interface Watch {
  readonly sid: string
  readonly accessToken: string
}

export type FromParent = { start: Start } | { watch: Watch[] } | { report: true }
/** By sid: milliseconds since 1970, with fractions, for each follower that watched. */
export type FromFollowers = { ready: true } | { watching: true } | { refused: Record<string, number[]>; mb: number }

const now = (): number => performance.timeOrigin + performance.now()

const MOST_VERIFIERS = 10

const followers: Verifier[] = []
const refused: Record<string, number[]> = {}

process.on('message', (message: FromParent) => {
  if ('start' in message) void start(message.start)
  else if ('watch' in message) void watchAll(message.watch)
  else tell({ refused, mb: Math.round(process.memoryUsage().rss / 1024 / 1024) })
})

async function start({ url, issuer, apiKey, count }: Start): Promise<void> {
  for (let index = 0; index < Math.min(count, MOST_VERIFIERS); index += 1) {
    followers.push(createVerifier({ issuer, audience: issuer, serviceUrl: url, apiKey }))
  }
  await Promise.all(followers.map(isStreaming))
  for (let index = MOST_VERIFIERS; index < count; index += 1) await takeEverything(url, apiKey)
  tell({ ready: true })
}

/** Resolves with the first bytes of the answer. */
function takeEverything(url: string, { id, key }: Start['apiKey']): Promise<void> {
  const { hostname, port } = new URL(url)
  const credential = Buffer.from(`${id}:${key}`).toString('base64')
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `GET /v1/revocations HTTP/1.1\r\nhost: ${hostname}\r\naccept: text/event-stream\r\nauthorization: Basic ${credential}\r\n\r\n`,
      )
    })
    socket.on('data', () => resolve())
    socket.on('error', reject)
    socket.on('close', () => {
      throw new Error('a follower was dropped')
    })
  })
}

async function isStreaming(follower: Verifier): Promise<void> {
  while (follower.status().revocations?.by !== 'stream') await new Promise((resolve) => setTimeout(resolve, 20))
}

async function watchAll(watches: Watch[]): Promise<void> {
  // Seen before, as they are in an API that is used: to refuse one costs no signature.
  const claims: AccessTokenClaims[] = []
  for (const { accessToken } of watches) {
    const [token] = await Promise.all(followers.map((follower) => follower.verify(accessToken)))
    claims.push(token as AccessTokenClaims)
  }
  for (const [index, { sid, accessToken }] of watches.entries()) {
    refused[sid] = []
    for (const follower of followers) watch(follower, claims[index] as AccessTokenClaims, accessToken)
  }
  tell({ watching: true })
}

/** What the API is told first is what it refuses first: the check is made there and then, to be sure. */
function watch(follower: Verifier, claims: AccessTokenClaims, accessToken: string): void {
  follower.onEnd(claims, () => {
    const at = now()
    follower.verify(accessToken).then(
      () => {
        throw new Error('a token passed after its session was said to be over')
      },
      () => refused[claims.sid]?.push(at),
    )
  })
}

function tell(message: FromFollowers): void {
  process.send?.(message)
}
