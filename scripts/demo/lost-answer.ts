/**
 * A request whose answer never arrives: sent in full on a connection of its own, which is cut when the
 * first bytes of the answer come in. The service has done its work, and the application knows nothing.
 */
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { Difference } from './check.ts'

/** Milliseconds. */
const PATIENCE = 15_000

/**
 * @returns its status, which is all that is looked at, to be sure that there was an answer to lose
 * @throws {Difference} when the service does not answer at all
 */
export async function sendAndLoseAnswer(
  url: string,
  { headers, body }: { headers: Record<string, string>; body: string },
): Promise<number> {
  const target = new URL(url)
  const socket = await connectTo(target)
  try {
    socket.write(httpMessage(target, { ...headers, 'content-length': String(Buffer.byteLength(body)) }, body))
    const [firstBytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE) })) as [Buffer]
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(firstBytes.toString('latin1'))?.[1])
  } catch (error) {
    throw new Difference(`POST ${url} on a raw socket was not answered: ${(error as Error).message}`)
  } finally {
    socket.destroy()
  }
}

async function connectTo({ protocol, hostname, port }: URL): Promise<Socket> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const isSecure = protocol === 'https:'
  const socket = isSecure
    ? connectSecure({ host, port: Number(port || 443), servername: host })
    : connectPlain({ host, port: Number(port || 80) })
  await once(socket, isSecure ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(PATIENCE) })
  return socket
}

const httpMessage = ({ pathname, host }: URL, headers: Record<string, string>, body: string): string =>
  [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n')
