/** The line between a verifier and its issuer: it counts what goes over it, and fails in every way that lines do. */
import { Refused, type Fetch, type RefusedCode, type Verifier, type VerifierOptions } from '../../src/verifier/index.ts'
import type { TestIssuer } from '../../src/verifier/testing/index.ts'

export interface Sent {
  readonly path: string
  readonly headers: Headers
  /** By the issuer's clock, seconds since the line was laid. */
  readonly at: number
}

/** @param onward asks the issuer after all */
export type Reply = (init: RequestInit, onward: () => Promise<Response>) => Response | Promise<Response>

export interface Line {
  readonly fetch: Fetch
  /** What was asked for at one path, the oldest first. */
  sentTo(path: string): Sent[]
  /** How much was asked for altogether. */
  count(): number
  /** From now on this path is answered so; without a reply, by the issuer again. */
  answer(path: string, reply?: Reply): void
}

export function createLine({ issuer, fetch, clock }: Pick<TestIssuer, 'issuer' | 'fetch' | 'clock'>): Line {
  const sent: Sent[] = []
  const replies = new Map<string, Reply>()
  const laidAt = clock.monotonic()
  return {
    async fetch(url, init) {
      const path = new URL(url.slice(issuer.length), 'https://line.example').pathname
      sent.push({ path, headers: new Headers(init.headers), at: (clock.monotonic() - laidAt) / 1000 })
      const onward = (): Promise<Response> => fetch(url, init)
      return (replies.get(path) ?? onward)(init, onward)
    },
    count: () => sent.length,
    sentTo: (path) => sent.filter((each) => each.path === path),
    answer: (path, reply) => void (reply === undefined ? replies.delete(path) : replies.set(path, reply)),
  }
}

/** A verifier at the end of the line; what fails goes into `failures`. */
export async function aVerifierOn(
  line: Line,
  issuer: TestIssuer,
  failures: unknown[],
  options: Partial<VerifierOptions>,
): Promise<Verifier> {
  const verifier = issuer.createVerifier({
    fetch: line.fetch,
    onFailure: (error) => void failures.push(error),
    ...options,
  })
  await issuer.clock.advance(0)
  return verifier
}

/** Nobody answers, until whoever asks gives up. */
export const hang: Reply = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new TypeError('given up'))))

/** Nobody is there. */
export const fail: Reply = () => Promise.reject(new TypeError('fetch failed'))

/** As an issuer does whose connection breaks off, or that stops in the middle, says whatever one likes. */
export interface HandMadeStream {
  readonly reply: Reply
  send(text: string): void
  end(): void
  breakOff(): void
}

/** Each request begins it anew. */
export function createStream(contentType = 'text/event-stream'): HandMadeStream {
  let current: ReadableStreamDefaultController<Uint8Array> | undefined
  const breakOff = (): void => {
    current?.error(new TypeError('terminated'))
    current = undefined
  }
  return {
    reply({ signal }) {
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void (current = controller) })
      signal?.addEventListener('abort', breakOff)
      return new Response(body, { headers: { 'content-type': contentType } })
    },
    send: (text) => current?.enqueue(new TextEncoder().encode(text)),
    end() {
      current?.close()
      current = undefined
    },
    breakOff,
  }
}

/** The code with which a token is refused; null where it is accepted. */
export const refusalOf = (verification: Promise<unknown>): Promise<RefusedCode | null> =>
  verification.then(
    () => null,
    (error: unknown) => {
      if (error instanceof Refused) return error.code
      throw error
    },
  )
