/** Server-sent events, as they come out of a response (HTML standard, section 9.2.6). */

export interface ReceivedEvent {
  readonly event: string
  readonly data: string
  /** The last id so far. */
  readonly id: string
}

/** What has no end is an attack or a mistake. Characters, of a line with the data of its event before it. */
const LONGEST = 64 * 1024

/**
 * @param chunks of UTF-8
 * @throws {RangeError} for an event of more than 64 Ki characters
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let endedInCr = false
  let event = ''
  let data: string[] = []
  let size = 0
  let id = ''

  function demandRoomFor(line: string): void {
    if (size + line.length > LONGEST)
      throw new RangeError('an event stream with an event of more than 64 Ki characters')
  }

  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    // The second half of a line's end, whose first came with the chunk before.
    const lines = (rest + (endedInCr && text.startsWith('\n') ? text.slice(1) : text)).split(/\r\n|\n|\r/)
    endedInCr = text.endsWith('\r')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n'), id }
        event = ''
        data = []
        size = 0
        continue
      }
      demandRoomFor(line)
      const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (field === 'event') event = value
      if (field === 'data') {
        data.push(value)
        size += value.length + 1
      }
      if (field === 'id' && !value.includes('\0')) id = value
    }
    demandRoomFor(rest)
  }
}
