/** The HTTP server around the application: its time-outs, and how it stops. */
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from './node-http.ts'
import { createRequestListener } from './request-listener.ts'
import type { Hallpass } from './server.ts'
import { createUnderWay } from './under-way.ts'

export interface Listening {
  readonly port: number
  /**
   * Says no to /readyz, stops taking requests, lets those in flight finish and closes every connection;
   * eight seconds at most, `linger` aside.
   * @param linger how long new requests are still served, for load balancers to notice; milliseconds
   */
  close(linger?: number): Promise<void>
}

/** Slow senders may not hold a connection, and an idle one outlives the idle time of usual proxies. Milliseconds. */
const TIMEOUTS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 1_000,
}
/** What is left of ten seconds after this goes to lingering and to closing the database. Milliseconds. */
const DRAIN_DEADLINE = 7_000
const DRAIN_STEP = 50

export async function listen(hallpass: Hallpass, host: string, port: number): Promise<Listening> {
  const { readiness } = hallpass
  const handle = createRequestListener(hallpass)
  const answering = createUnderWay<ServerResponse>()
  /** Clients open connections ahead of need. To Node one without a first request is not idle. */
  const unused = new Set<Socket>()
  const server = createServer(TIMEOUTS, (request, response) => {
    unused.delete(request.socket)
    response.once('close', answering.add(response))
    if (readiness.isStopping) closeAfter(response)
    handle(request, response)
  })
  server.on('connection', (socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close(linger = 0) {
      readiness.stop()
      for (const response of answering) closeAfter(response)
      await sleep(linger)
      await drain(server, unused)
    },
  }
}

/** The client's next request goes to another process. */
function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close')
}

async function drain(server: Server, unused: ReadonlySet<Socket>): Promise<void> {
  let isClosed = false
  const closed = new Promise<void>((resolve) => server.close(() => resolve())).then(() => void (isClosed = true))
  const deadline = Date.now() + DRAIN_DEADLINE
  while (!isClosed && Date.now() < deadline) {
    server.closeIdleConnections()
    for (const socket of unused) if (socket.bytesRead === 0) socket.destroy()
    await Promise.race([closed, sleep(DRAIN_STEP)])
  }
  server.closeAllConnections()
  await closed
}
