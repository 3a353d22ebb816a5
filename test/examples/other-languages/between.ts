/** What stands between Hallpass and those who ask it: counts, speaks https, breaks, and tells stories of its own. */
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Between {
  readonly url: string
  /** Every request so far. */
  readonly seen: readonly IncomingMessage[]
  /** From now on everybody is answered 502. */
  isBroken: boolean
  /** Answers by itself where it returns true. */
  takeOver: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Breaks what is open; who comes again is served. */
  cut(): void
  stop(): Promise<void>
}

/** @param certificate with it, https */
export async function startBetween(
  hallpass: () => string,
  certificate?: { key: Buffer; cert: Buffer },
): Promise<Between> {
  const seen: IncomingMessage[] = []

  function handle(incoming: IncomingMessage, answer: ServerResponse): void {
    seen.push(incoming)
    if (between.isBroken) return void answer.writeHead(502).end()
    if (between.takeOver(incoming, answer)) return
    const outgoing = request(hallpass() + incoming.url, { headers: incoming.headers, method: incoming.method })
    outgoing.on('response', (from: IncomingMessage) => {
      answer.writeHead(from.statusCode ?? 502, from.headers)
      from.on('error', () => answer.destroy()).pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    answer.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }

  const server: Server = certificate === undefined ? createServer(handle) : createTlsServer(certificate, handle)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const between: Between = {
    url: `${certificate === undefined ? 'http' : 'https'}://localhost:${(server.address() as AddressInfo).port}`,
    seen,
    isBroken: false,
    takeOver: () => false,
    cut: () => server.closeAllConnections(),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return between
}
