/** The HTTP server around the application: its time-outs, and how it stops. */
import { createServer as createHttpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hallpass } from './server.ts'

export interface Listening {
  readonly port: number
  /** Stops taking requests, lets those in flight finish, closes every connection; ten seconds at most. */
  close(): Promise<void>
}

/** Slow senders may not hold a connection, and an idle one outlives the idle time of usual proxies. Milliseconds. */
const TIMEOUTS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 1_000,
}
/** What is left of ten seconds after this goes to closing the database. */
const DRAIN_DEADLINE = 8_000
const DRAIN_STEP = 50

export async function listen({ app, readiness }: Hallpass, host: string, port: number): Promise<Listening> {
  const handle = app.callback()
  const server = createHttpServer(TIMEOUTS, (request, response) => {
    // The client's next request goes to another process.
    if (readiness.isStopping) response.setHeader('Connection', 'close')
    void handle(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: () => drain(server, readiness) }
}

async function drain(server: Server, readiness: Hallpass['readiness']): Promise<void> {
  readiness.stop()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const deadline = Date.now() + DRAIN_DEADLINE
  let isClosed = false
  void closed.then(() => (isClosed = true))
  while (!isClosed && Date.now() < deadline) {
    server.closeIdleConnections()
    await Promise.race([closed, sleep(DRAIN_STEP)])
  }
  server.closeAllConnections()
  await closed
}
