/** A sign-in whose body is still on its way: a request that is under way for as long as a test likes. */
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const BODY = '{"email":"nobody@example.com","password":"not a password of anybody"}'

export interface BegunSignIn {
  readonly socket: Socket
  /** @returns everything that was answered until the connection closed: 401 */
  finish(): Promise<string>
}

export async function beginSignIn({ url }: { url: string }, headers: readonly string[] = []): Promise<BegunSignIn> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  const head = ['POST /v1/sessions HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...headers]
  socket.write(`${head.join('\r\n')}\r\nContent-Length: ${BODY.length}\r\n\r\n`)
  socket.write(BODY.slice(0, 20))
  await sleep(100)
  return {
    socket,
    finish() {
      socket.write(BODY.slice(20))
      return text(socket)
    },
  }
}

/** What `/readyz` answers. */
export const readiness = async ({ url }: { url: string }): Promise<number | 'refused'> =>
  fetch(`${url}/readyz`).then(
    ({ status }) => status,
    () => 'refused',
  )

/** All that `/readyz` answers until the port is closed, but for 200. */
export async function readinessAtTheEnd(server: { url: string }): Promise<(number | 'refused')[]> {
  const seen = new Set<number | 'refused'>()
  while (!seen.has('refused')) {
    seen.add(await readiness(server))
    await sleep(20)
  }
  return [...seen].filter((status) => status !== 200)
}
