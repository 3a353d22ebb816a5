/** Between a server and its PostgreSQL: a network that may stop carrying anything, without a word to either side. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Line {
  /** Of the same database, by this line. */
  readonly url: string
  /** How many were made so far. */
  connections(): number
  /** Nothing comes through any more, on connections there are and on new ones. */
  goSilent(): void
  /** New connections work again. */
  speak(): void
  cut(): void
}

export async function aLineTo(databaseUrl: string): Promise<Line> {
  const target = new URL(databaseUrl)
  const sockets: Socket[] = []
  let isSilent = false
  let made = 0
  const server = createServer((near) => {
    made += 1
    const far = connect({ host: target.hostname, port: Number(target.port) })
    for (const socket of [near, far]) sockets.push(socket.on('error', () => undefined))
    near.on('data', (bytes) => isSilent || far.write(bytes)).on('close', () => far.destroy())
    far.on('data', (bytes) => isSilent || near.write(bytes)).on('close', () => near.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    connections: () => made,
    goSilent: () => void (isSilent = true),
    speak: () => void (isSilent = false),
    cut() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
