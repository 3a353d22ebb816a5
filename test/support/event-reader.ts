/** Server-sent events, as a program reads them: one stream, from its first event to its end. */
import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

export interface ReadEvent<Data> {
  readonly event: string
  /** Empty where there is none. */
  readonly id: string
  readonly data: Data
}

export interface EventReader<Data> {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Everything so far, in its order. */
  readonly events: readonly ReadEvent<Data>[]
  /** As it came, comments and all. */
  readonly text: string
  /** Where it would go on. */
  readonly lastEventId: string
  /** Whether the server ended it as it should: the other way is a broken connection. */
  readonly ended: Promise<'ended' | 'cut'>
  /** @throws when the stream ends before */
  until(isSo: () => boolean): Promise<void>
  close(): void
}

/** Resolves with the answer's head. @param options.onEvent called for every event, before anybody who waits */
export async function readEvents<Data>(
  url: URL,
  options: { headers?: Record<string, string>; onEvent?: (event: ReadEvent<Data>) => void } = {},
): Promise<EventReader<Data>> {
  const { headers = {}, onEvent = () => undefined } = options
  const outgoing = request(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  outgoing.on('error', () => undefined) // `close` of the response follows
  response.on('error', () => undefined)

  const events: ReadEvent<Data>[] = []
  const waiting = new Set<() => void>()
  const look = (): void => {
    for (const each of waiting) each()
  }
  let isOver = false
  const ended = new Promise<'ended' | 'cut'>((resolve) => {
    response.once('close', () => {
      isOver = true
      look()
      resolve(response.complete ? 'ended' : 'cut')
    })
  })
  const isStream = response.headers['content-type']?.startsWith('text/event-stream') ?? false
  const chunks: string[] = []
  let rest = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    chunks.push(chunk)
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of isStream ? parts : []) {
      const event = eventIn<Data>(part)
      if (event === null) continue
      events.push(event)
      onEvent(event)
    }
    look()
  })

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    get text() {
      return chunks.join('')
    },
    get lastEventId() {
      return events.at(-1)?.id ?? ''
    },
    ended,
    until: (isSo) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!isSo() && !isOver) return
          waiting.delete(check)
          if (isSo()) resolve()
          else reject(new Error('the stream ended before'))
        }
        waiting.add(check)
        check()
      }),
    close: () => outgoing.destroy(),
  }
}

function eventIn<Data>(text: string): ReadEvent<Data> | null {
  const fields = new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  const data = fields.get('data')
  if (data === undefined) return null
  return { event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: JSON.parse(data) as Data }
}
