/**
 * Told at once: the service's own word of this session's end, and of the account's other devices, as
 * server-sent events (HTML standard, section 9.2) over `fetch`, which unlike EventSource carries a token. It is
 * read while somebody looks; who looks later asks for a token first, and is told then.
 */
import { FIRST_WAIT, LONGEST_WAIT, SILENCE } from './figures.ts'
import { createPatience } from './patience.ts'
import { between, pause } from './time.ts'

/** Begins, begins anew for another session, or ends. */
export type Follow = (sid: string | null) => void

/** @param fetch with the access token; it meets a refusal by a refresh, and that by the end */
export function createFollowing(deps: {
  readonly url: string
  readonly fetch: typeof fetch
  readonly hasEnded: () => void
  readonly onChange: () => void
}): Follow {
  const { url, hasEnded, onChange } = deps
  /** The loop that goes on, and whose session it is about. */
  let current: { readonly sid: string } | null = null
  let stopReading = (): void => undefined

  async function follow(own: { readonly sid: string }): Promise<void> {
    for (let wait = FIRST_WAIT; current === own; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      const patience = createPatience(SILENCE)
      stopReading = patience.abort
      try {
        const headers = { Accept: 'text/event-stream' }
        const { ok, body } = await deps.fetch(url, { headers, signal: patience.signal })
        if (ok && !body) return // React Native gives no streams
        if (ok) await readAll(body!.getReader(), () => ((wait = FIRST_WAIT), patience.renew()))
      } catch {
        // There will be another.
      }
      patience.abort() // what was not read is not sent either
      await pause(between(wait / 2, wait))
    }
  }

  async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, onBytes: () => void): Promise<void> {
    onChange() // nobody knows what happened before
    const decoder = new TextDecoder()
    let unread = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onBytes()
      const lines = (unread + decoder.decode(value, { stream: true })).split('\n')
      unread = lines.pop() ?? ''
      for (const line of lines) {
        if (line === 'event: ended') hasEnded()
        if (line === 'event: sessions_changed') onChange()
      }
    }
  }

  return (sid) => {
    if (sid === (current?.sid ?? null)) return
    stopReading()
    current = sid ? { sid } : null
    if (current) void follow(current)
  }
}
