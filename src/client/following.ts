/**
 * Told at once: the service's own word of this session's end, and of the account's other devices, as
 * server-sent events (HTML standard, section 9.2) over `fetch`, which unlike EventSource carries a token. It is
 * read while somebody looks; who looks later asks for a token first, and is told then.
 */
import { toError } from './errors.ts'
import { EVENTS } from './requests.ts'
import { createPatience } from './patience.ts'
import { between, pause } from './time.ts'

export interface Following {
  /** Begins, if it has not. */
  start(): void
  stop(): void
}

/** The service sends something every 15 seconds. Milliseconds. */
const SILENCE = 40_000
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 60_000

export function createFollowing(deps: {
  readonly issuer: string
  readonly fetch: typeof fetch
  readonly accessToken: () => Promise<string>
  readonly onEnded: () => void
  readonly onSessionsChanged: () => void
}): Following {
  const { issuer, accessToken, onEnded, onSessionsChanged } = deps
  let current: AbortController | undefined
  let hasRead = false

  async function follow(signal: AbortSignal): Promise<void> {
    for (let wait = FIRST_WAIT; !signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      // It falls silent, and the network with it: that attempt is over.
      const patience = createPatience(SILENCE, signal)
      try {
        const response = await open(await accessToken(), patience.signal)
        // Our token is good as far as we know: the session is over, most likely.
        if (response.status === 401) onEnded()
        const reader = response.ok ? response.body?.getReader() : undefined
        if (response.ok && !reader) return // React Native gives no streams
        if (reader) await readAll(reader, () => ((wait = FIRST_WAIT), patience.renew()))
      } catch (error) {
        if (toError(error).code === 'signed_out') return
      } finally {
        patience.stop()
        patience.end() // what was not read is not sent either
      }
      await pause(between(wait / 2, wait))
    }
  }

  const open = (token: string, signal: AbortSignal): Promise<Response> =>
    deps.fetch(issuer + EVENTS, {
      headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
      cache: 'no-store',
      credentials: 'omit',
      signal,
    })

  async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, onBytes: () => void): Promise<void> {
    if (hasRead) onSessionsChanged() // nobody knows what was missed
    hasRead = true
    const decoder = new TextDecoder()
    let unread = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onBytes()
      const lines = (unread + decoder.decode(value, { stream: true })).split('\n')
      unread = lines.pop() ?? ''
      for (const line of lines) {
        if (line === 'event: ended') onEnded()
        if (line === 'event: sessions_changed') onSessionsChanged()
      }
    }
  }

  return {
    start() {
      if (current !== undefined) return
      const own = (current = new AbortController())
      void follow(own.signal).finally(() => {
        if (current === own) current = undefined
      })
    },
    stop() {
      current?.abort()
      current = undefined
    },
  }
}
