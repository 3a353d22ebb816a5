/** How the verifier talks to the issuer: what is asked, with which credential, and what may come back. */
import { parseObject } from './json.ts'
import type { Clock } from './clock.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What the API keeps in order to follow the feed: `hallpass api-keys create --scope revocations:read`. */
export interface ApiKeyCredential {
  readonly id: string
  readonly key: string
}

export interface Service {
  /**
   * @param path relative to the issuer
   * @param read what becomes of the answer; it calls `heard` for every sign of life, on which the time begins anew
   * @throws {ServiceFailure} it cannot be reached, or said nothing for `timeout` milliseconds
   */
  ask<Result>(path: string, options: AskOptions, read: Read<Result>): Promise<Result>
}

export type Read<Result> = (response: Response, heard: () => void) => Promise<Result>

export interface AskOptions {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: URLSearchParams
  /** With the API key. */
  readonly isAuthorized?: boolean
  /** Milliseconds. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

/** The issuer did not answer, or not with what was asked for. */
export class ServiceFailure extends Error {
  override readonly name = 'ServiceFailure'
  readonly status: number | null
  /** Milliseconds, as the answer asks for. */
  readonly retryAfter: number | null
  /** Nothing came, until nobody waited any longer. */
  readonly isSilence: boolean

  constructor(
    message: string,
    options: { status?: number; retryAfter?: number | null; isSilence?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.status = options.status ?? null
    this.retryAfter = options.retryAfter ?? null
    this.isSilence = options.isSilence ?? false
  }
}

const TIMEOUT = 5_000
/** However long the issuer asks to be left in peace: a mistake there is not to last a day here. Milliseconds. */
const LONGEST_RETRY_AFTER = 5 * 60_000

/** @param base where the service is, without a slash at its end */
export function createService(deps: {
  base: string
  fetch: Fetch
  clock: Clock
  apiKey: ApiKeyCredential | null
}): Service {
  const { base, fetch, clock, apiKey } = deps
  const authorization = apiKey === null ? {} : { authorization: `Basic ${btoa(`${apiKey.id}:${apiKey.key}`)}` }

  return {
    async ask(path, options, read) {
      const { method = 'GET', headers = {}, body, isAuthorized = false, timeout = TIMEOUT, signal } = options
      const giveUp = new AbortController()
      const abort = (): void => giveUp.abort()
      let isSilence = false
      const losePatience = (): void => {
        isSilence = true
        abort()
      }
      let cancel = clock.after(timeout, losePatience)
      const heard = (): void => {
        cancel()
        cancel = clock.after(timeout, losePatience)
      }
      signal?.addEventListener('abort', abort, { once: true })
      if (signal?.aborted === true) abort()
      try {
        const response = await fetch(base + path, {
          method,
          headers: { ...headers, ...(isAuthorized ? authorization : {}) },
          ...(body === undefined ? {} : { body }),
          redirect: 'manual', // wherever it leads, that is not the issuer
          signal: giveUp.signal,
        })
        return await read(response, heard)
      } catch (error) {
        abort() // whatever is left of the answer is not waited for
        throw error instanceof ServiceFailure
          ? error
          : new ServiceFailure(isSilence ? `${path} said nothing for ${timeout} ms` : `${path} cannot be reached`, {
              isSilence,
              cause: error,
            })
      } finally {
        cancel()
        signal?.removeEventListener('abort', abort)
      }
    },
  }
}

/** Milliseconds that the issuer asks to be left alone for; 0 where it does not. */
export const retryAfterOf = (error: unknown): number => (error instanceof ServiceFailure ? (error.retryAfter ?? 0) : 0)

/** An answer that is not what was asked for. */
export function failureOf(path: string, response: Response): ServiceFailure {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ServiceFailure(`${path} was answered ${response.status}`, {
    status: response.status,
    retryAfter: Number.isFinite(seconds) ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER) : null,
  })
}

/** @param largest bytes @throws {ServiceFailure} for what is larger, or no JSON object */
export async function readJson(
  path: string,
  response: Response,
  largest: number,
  heard: () => void = () => undefined,
): Promise<Record<string, unknown>> {
  const chunks: string[] = []
  const decoder = new TextDecoder()
  let size = 0
  for await (const chunk of bytesOf(response)) {
    heard()
    size += chunk.byteLength
    if (size > largest) throw new ServiceFailure(`${path} was answered with more than ${largest} bytes`)
    chunks.push(decoder.decode(chunk, { stream: true }))
  }
  const value = parseObject(chunks.join('') + decoder.decode())
  if (value === null) throw new ServiceFailure(`${path} was not answered with a JSON object`)
  return value
}

/** Not every runtime can iterate over a stream. */
export async function* bytesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
}
