/** The range API of Have I Been Pwned, on this machine. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown

export interface RangeApi {
  readonly url: string
  readonly requests: IncomingMessage[]
  /** What it answers; by default, like the real one, the leaked passwords of the range among others and padding. */
  answer: Answer
  close(): Promise<void>
}

export async function startRangeApi(leaked: readonly string[]): Promise<RangeApi> {
  const hashes = leaked.map((password) => createHash('sha1').update(password).digest('hex').toUpperCase())
  const server = createServer((request, response) => {
    api.requests.push(request)
    api.answer(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const api: RangeApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    answer(response, request) {
      const prefix = /\/range\/([0-9A-F]{5})\b/.exec(request.url ?? '')?.[1] ?? 'none'
      const hits = hashes.filter((hash) => hash.startsWith(prefix)).map((hash) => `${hash.slice(5)}:3`)
      response.end([`${'0'.repeat(34)}A:12`, ...hits, `${'F'.repeat(35)}:0`].join('\r\n'))
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return api
}
