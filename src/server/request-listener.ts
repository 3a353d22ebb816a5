/** The application as Node calls it, for our own HTTP server and for somebody else's. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hallpass } from './server.ts'

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

export function createRequestListener({ app }: Pick<Hallpass, 'app'>): RequestListener {
  const handle = app.callback()
  return (request, response) => {
    const target = originForm(request.url ?? '')
    if (target === null) {
      response.writeHead(400, { Connection: 'close' }).end()
      return
    }
    request.url = target
    void handle(request, response)
  }
}

/** An absolute URL has to be accepted, whatever host it names (RFC 9112 section 3.2.2); null is no target. */
function originForm(target: string): string | null {
  if (target.startsWith('/') || target === '*') return target
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return null
  const { pathname, search } = new URL(target)
  return pathname + search
}
