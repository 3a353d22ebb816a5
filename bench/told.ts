/**
 * How long a device that was signed out from elsewhere goes on without knowing: from the answer to the other
 * device's `DELETE /v1/sessions?except=current` to the state `signed_out` in hallpass/client.
 *
 *   npm run bench:told
 *   npm run bench:told -- --rounds 500
 *
 * One server process on a durable PostgreSQL of its own (or TEST_DATABASE_URL), both devices in this process, with
 * the client as it is in apps; 1 and 1,000 other devices, of other people, follow their own events meanwhile.
 */
import { parseArgs } from 'node:util'
import { createClient, type Client } from '../src/client/index.ts'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { aSignedInPerson, PASSWORD, register } from '../test/support/people.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { startProcess } from '../test/support/processes.ts'
import { quantile } from './report/quantiles.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } })
const ROUNDS = Number(values.rounds)
const OTHERS = [1, 1_000]
/** A session follows with so many streams at most. */
const STREAMS_EACH = 20

const postgres = await startPostgres({ durable: true })
const server = await startProcess(await postgres.createDatabase())
const following: AbortController[] = []
try {
  const email = await register(server.url)
  const here = await aDevice(email)
  for (const others of OTHERS) {
    while (following.length < others) await followElsewhere(others - following.length)
    print(others, await measure(here, email))
  }
  here.close()
} finally {
  for (const each of following) each.abort()
  await server.stop()
  await postgres.stop()
  await stopSharedMailServer()
}

async function aDevice(email: string): Promise<Client> {
  const client = createClient({ issuer: server.url, transport: 'body', follow: true })
  await client.signIn({ email, password: PASSWORD })
  return client
}

async function measure(here: Client, email: string): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const doomed = await aDevice(email)
    // Its stream is open when it is told to read the list.
    await new Promise<void>((resolve) => doomed.sessions.onChange(resolve))
    let toldAt = 0
    const told = new Promise<void>((resolve) => {
      doomed.onChange(({ status }) => {
        if (status !== 'signed_out') return
        toldAt = performance.now()
        resolve()
      })
    })
    await here.sessions.revokeOthers()
    const answeredAt = performance.now()
    await told
    times.push(Math.max(0, toldAt - answeredAt))
    doomed.close()
  }
  return times.toSorted((one, other) => one - other)
}

/** Other people's devices, that nothing happens to. */
async function followElsewhere(wanted: number): Promise<void> {
  const { accessToken } = await aSignedInPerson(server.url)
  for (let stream = 0; stream < Math.min(wanted, STREAMS_EACH); stream++) {
    const controller = new AbortController()
    const response = await fetch(`${server.url}/v1/sessions/current/events`, {
      headers: { authorization: `Bearer ${accessToken}`, accept: 'text/event-stream' },
      signal: controller.signal,
    })
    if (!response.ok) throw new Error(`a stream was answered ${response.status}`)
    following.push(controller)
  }
}

function print(others: number, times: readonly number[]): void {
  const at = (share: number): string => quantile(times, share).toFixed(1)
  console.log(`${others} others, ${times.length} rounds: median ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`)
}
