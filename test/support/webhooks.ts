/** Receivers of webhooks: real HTTP servers, which check what they get with the package that others use. */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook as Verifier } from 'standardwebhooks'
import { runCommand } from '../../src/server/commands.ts'
import { statement } from '../../src/server/database/database.ts'
import type { TestServer } from './server.ts'

export interface Received {
  readonly id: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly message: { type: string; timestamp: string; data: Record<string, unknown> }
}

export interface Receiver {
  readonly url: string
  /** Everything that came, whatever was answered, oldest first. */
  readonly received: Received[]
  /** Resolves when so many have come. */
  has(count: number): Promise<Received[]>
  /** What is answered from now on: a status, or by hand. */
  answer: number | ((request: IncomingMessage, response: ServerResponse) => void)
  stop(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const arrivals = new EventEmitter()
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
      const headers = request.headers as Record<string, string>
      received.push({
        id: headers['webhook-id'] ?? '',
        headers,
        body,
        message: JSON.parse(body) as Received['message'],
      })
      arrivals.emit('arrival')
      if (typeof receiver.answer === 'number') response.writeHead(receiver.answer).end()
      else receiver.answer(request, response)
    })()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    answer: 204,
    async has(count) {
      while (received.length < count) await once(arrivals, 'arrival')
      return received
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
  return receiver
}

/** @throws when the signature is not by this secret */
export const verify = (secret: string, { body, headers }: Received): unknown =>
  new Verifier(secret).verify(body, headers)

/** An operator's command on the running server. @throws with what it said, when it failed */
export async function operate({ hallpass }: TestServer, ...argv: string[]): Promise<string> {
  let output = ''
  const code = await runCommand(['webhooks', ...argv], hallpass, (text) => void (output += text))
  if (code !== 0) throw new Error(output)
  return output
}

export async function createWebhook(
  server: TestServer,
  url: string,
  ...options: string[]
): Promise<{ id: string; secret: string }> {
  const output = await operate(server, 'create', url, ...options)
  const [, id = '', secret = ''] = /^id {6}(\S+)\nsecret {2}(\S+)\n$/.exec(output) ?? []
  return { id, secret }
}

/** What waits for a webhook is due now, however long its delay. @param attempts how many there were */
export const makeDue = (
  { hallpass }: TestServer,
  webhookId: string,
  attempts: number | null = null,
): Promise<unknown> =>
  hallpass.store.database.query(
    statement(
      'test.make_due',
      `update outbox set next_attempt_at = clock_timestamp(), attempts = coalesce($2::int, attempts)
       where webhook_id = $1::uuid`,
    ),
    [webhookId, attempts],
  )

/** Moves the times of a webhook back, as if all of it had been so long ago. Seconds. */
export async function ageWebhook({ hallpass }: TestServer, webhookId: string, seconds: number): Promise<void> {
  for (const [name, text] of Object.entries(AGING)) {
    await hallpass.store.database.query(statement(`test.age_${name}`, text), [webhookId, seconds])
  }
}

const AGING = {
  webhooks: `update webhooks set failing_since = failing_since - make_interval(secs => $2::float8),
     previous_until = previous_until - make_interval(secs => $2::float8) where id = $1::uuid`,
  webhook_deliveries: `update webhook_deliveries set at = at - make_interval(secs => $2::float8) where webhook_id = $1::uuid`,
  outbox: `update outbox set created_at = created_at - make_interval(secs => $2::float8) where webhook_id = $1::uuid`,
}
