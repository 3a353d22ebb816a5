/** Server-sent events, as they come out of a response (HTML standard, section 9.2.6). */

export interface ReceivedEvent {
  readonly event: string
  readonly data: string
  /** The last id so far. */
  readonly id: string
}

/** What has no end is an attack or a mistake: of a line, and of the data of an event. Characters. */
const LONGEST = 64 * 1024

/**
 * @param chunks of UTF-8
 * @throws {RangeError} for an event of more than 64 Ki characters
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  let event = ''
  let data: string[] = []
  let size = 0
  let id = ''
  for await (const lines of readLines(chunks)) {
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n'), id }
        event = ''
        data = []
        size = 0
        continue
      }
      demandEnd(line.length)
      const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (field === 'event') event = value
      if (field === 'data') {
        data.push(value)
        demandEnd((size += value.length + 1))
      }
      if (field === 'id' && !value.includes('\0')) id = value
    }
  }
}

/** Those that are complete, in as many parts as they came in. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  let endedInCr = false
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    // The second half of a line's end, whose first came with the chunk before.
    const lines = (rest + (endedInCr && text.startsWith('\n') ? text.slice(1) : text)).split(/\r\n|\n|\r/)
    endedInCr = text.endsWith('\r')
    rest = lines.pop() ?? ''
    yield lines
    demandEnd(rest.length)
  }
}

function demandEnd(length: number): void {
  if (length > LONGEST) throw new RangeError('an event stream with an event of more than 64 Ki characters')
}
