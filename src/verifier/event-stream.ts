/** Server-sent events, as they come out of a response (HTML standard, section 9.2.6). */

export interface ReceivedEvent {
  readonly event: string
  readonly data: string
  /** The last id so far. */
  readonly id: string
}

/** A line that has no end is an attack or a mistake. Characters. */
const LONGEST_LINE = 64 * 1024

/**
 * @param chunks of UTF-8
 * @throws {RangeError} for a line of more than 64 Ki characters
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  let event = ''
  let data: string[] = []
  let id = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw new RangeError('an event stream with a line of more than 64 Ki characters')
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n'), id }
        event = ''
        data = []
        continue
      }
      const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (field === 'event') event = value
      if (field === 'data') data.push(value)
      if (field === 'id' && !value.includes('\0')) id = value
    }
  }
}
