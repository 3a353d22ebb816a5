/**
 * Server-sent events (HTML standard, section 9.2), written to the response itself: a thousand followers get
 * the same bytes, and nothing stands between them and the socket.
 */
import type { Context } from './context.ts'

export interface EventStream {
  /** What has to arrive. Resolves when there is room for more, and at the stream's end. */
  sendAll(text: string): Promise<void>
  /** What everybody gets at once. A reader too slow for it is dropped, and resumes by its cursor. */
  send(bytes: Uint8Array): void
  readonly isOver: boolean
  /** Runs at once where its reader has gone before it was opened. */
  onEnd(run: () => void): void
  /** With what was sent so far, if the reader takes it soon. */
  end(): void
}

/** And up to as much later: where a process stops, its readers do not come to the next all at once. Milliseconds. */
const COME_AGAIN_AFTER = 1_000
/** Of one reader, in our memory. Bytes. */
const MOST_UNREAD = 1024 * 1024
/** A reader that takes nothing for so long is gone. Milliseconds. */
const PATIENCE = 30_000
/** Whoever takes nothing may not hold up a process that stops. Milliseconds. */
const LAST_PATIENCE = 2_000

export interface ServerSentEvent {
  readonly event: string
  /** Where a reader can go on from here. */
  readonly id?: string
  /** JSON: no line break in it. */
  readonly data: string
}

export const writeEvent = ({ event, id, data }: ServerSentEvent): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`

export function openEventStream(ctx: Context): EventStream {
  const response = ctx.res
  const ending = new Set<() => void>()
  ctx.respond = false // Koa would end the response
  ctx.onerror = () => undefined // a reader that goes away is no error of ours
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no', // nginx would keep events until it has a few thousand bytes of them
  })
  response.write(`retry: ${COME_AGAIN_AFTER + Math.floor(Math.random() * COME_AGAIN_AFTER)}\n\n`)
  response.on('error', () => undefined) // `close` follows
  response.once('close', () => {
    for (const run of ending) run()
  })

  const isOver = (): boolean => response.writableEnded || response.destroyed

  return {
    async sendAll(text) {
      if (isOver() || response.write(text)) return
      await new Promise<void>((resolve) => {
        const tooLong = setTimeout(() => response.destroy(), PATIENCE).unref()
        const goOn = (): void => {
          clearTimeout(tooLong)
          response.off('drain', goOn).off('close', goOn)
          resolve()
        }
        response.once('drain', goOn).once('close', goOn)
      })
    },
    send(bytes) {
      if (isOver()) return
      response.write(bytes)
      if (response.writableLength > MOST_UNREAD) response.destroy()
    },
    get isOver() {
      return isOver()
    },
    onEnd(run) {
      if (response.destroyed) run()
      else ending.add(run)
    },
    end() {
      if (isOver()) return
      response.end()
      const tooLong = setTimeout(() => response.destroy(), LAST_PATIENCE).unref()
      response.once('close', () => clearTimeout(tooLong))
    },
  }
}
