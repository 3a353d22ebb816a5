/**
 * Server-sent events (HTML standard, section 9.2), written to the response itself: a thousand followers get
 * the same bytes, and nothing stands between them and the socket.
 */
import { once } from 'node:events'
import type { Context } from './context.ts'

export interface EventStream {
  /** What has to arrive. Resolves when there is room for more, and at the stream's end. */
  sendAll(text: string): Promise<void>
  /** What everybody gets at once. A reader too slow for it is dropped, and resumes by its cursor. */
  send(bytes: Uint8Array): void
  readonly isOver: boolean
  onEnd(run: () => void): void
  end(): void
}

/** Of one reader, in our memory. Bytes. */
const MOST_UNREAD = 1024 * 1024
/** A reader that takes nothing for so long is gone. Milliseconds. */
const PATIENCE = 30_000

export interface ServerSentEvent {
  readonly event: string
  readonly id: string
  /** JSON: no line break in it. */
  readonly data: string
}

export const writeEvent = ({ event, id, data }: ServerSentEvent): string =>
  `event: ${event}\nid: ${id}\ndata: ${data}\n\n`

export function openEventStream(ctx: Context): EventStream {
  const response = ctx.res
  const ending = new Set<() => void>()
  ctx.respond = false // Koa would end the response
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no', // nginx would keep events until it has a few thousand bytes of them
  })
  response.write('retry: 1000\n\n')
  response.on('error', () => undefined) // `close` follows
  response.once('close', () => {
    for (const run of ending) run()
  })

  return {
    async sendAll(text) {
      if (response.write(text) || response.destroyed) return
      const signal = AbortSignal.timeout(PATIENCE)
      await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).catch(() =>
        response.destroy(),
      )
    },
    send(bytes) {
      response.write(bytes)
      if (response.writableLength > MOST_UNREAD) response.destroy()
    },
    get isOver() {
      return response.writableEnded || response.destroyed
    },
    onEnd: (run) => void ending.add(run),
    end: () => void response.end(),
  }
}
