/** The text of a file, piece by piece; whatever is not UTF-8 is refused, since it would not be what people typed. */
import { createReadStream } from 'node:fs'

/** @throws with words for people where it cannot be read */
export async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      yield decoder.decode(chunk, { stream: true })
    }
    yield decoder.decode()
  } catch (error) {
    const isText = error instanceof Error && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    if (isText) throw new Error('the file is not UTF-8')
    throw error instanceof Error && 'code' in error
      ? new Error(`the file cannot be read: ${String(error.code)}`)
      : error
  }
}

/** Not readline's lines, which end at U+2028 too. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const text of textOf(path)) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
