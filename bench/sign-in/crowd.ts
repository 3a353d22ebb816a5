/**
 * So many people at once who want to sign in. Each has an address and a network of their own, and comes again as soon
 * as the service asked them to when it had no room; whoever is in leaves their place to somebody else.
 */
import { Agent, request, type IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { emailOf, PASSWORD } from '../fleet/fleet.ts'
import { DEVICE_HEADERS } from '../load/device.ts'

export interface Crowd {
  readonly people: number
  /** Users of the fleet, from which they come one after the other. */
  readonly users: number
  /** The impatient ask again at once, whatever they are told. */
  readonly manners: 'patient' | 'impatient'
}

export interface Entry {
  readonly signedIn: number
  /** Told to come later: 503 with `Retry-After`. */
  readonly putOff: number
  /** Anything else. */
  readonly errors: number
  readonly faults: readonly string[]
  /** Milliseconds from the first attempt to the session, of those who are in: in order of size. */
  readonly waits: readonly number[]
  /** Milliseconds until those who were put off knew it: in order of size. */
  readonly refusals: readonly number[]
  /** Seconds. */
  readonly lasted: number
}

const FAULTS_KEPT = 3

/** @param until nobody begins after it, and who is still waiting goes home */
export async function signIn(url: string, { people, users, manners }: Crowd, until: Promise<unknown>): Promise<Entry> {
  const agent = new Agent({ keepAlive: true, maxSockets: people })
  const over = new AbortController()
  const goHome = (): void => over.abort()
  until.then(goHome, goHome)
  const begin = performance.now()
  const waits: number[] = []
  const refusals: number[] = []
  const faults: string[] = []
  let errors = 0
  // Not those of the crowd before, or they would reach the limit of sessions.
  let came = Math.floor(Math.random() * users)

  async function comeIn(): Promise<void> {
    const user = came++ % users
    const first = performance.now()
    while (!over.signal.aborted) {
      const asked = performance.now()
      const { status, headers, body } = await ask(new URL('/v1/sessions', url), user, agent)
      if (status === 201) return void waits.push(performance.now() - first)
      const retryAfter = Number(headers['retry-after'])
      if (status !== 503 || !(retryAfter > 0)) {
        errors += 1
        if (faults.length < FAULTS_KEPT) faults.push(`${status} ${body}`)
        return
      }
      refusals.push(performance.now() - asked)
      if (manners === 'patient')
        await sleep(retryAfter * 1000, undefined, { signal: over.signal }).catch(() => undefined)
    }
  }

  const place = async (): Promise<void> => {
    while (!over.signal.aborted) await comeIn()
  }
  await Promise.all(Array.from({ length: people }, place))
  agent.destroy()
  return {
    signedIn: waits.length,
    putOff: refusals.length,
    errors,
    faults,
    waits,
    refusals,
    lasted: (performance.now() - begin) / 1000,
  }
}

interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What comes from a trusted proxy: everybody would else be one network, which is limited (docs/http.md). */
function ask(url: URL, user: number, agent: Agent): Promise<Answered> {
  const headers = {
    ...DEVICE_HEADERS,
    'content-type': 'application/json',
    'x-forwarded-for': `10.${(user >> 16) & 255}.${(user >> 8) & 255}.${user & 255}`,
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }), reject)
    })
    sent.on('error', reject).end(JSON.stringify({ email: emailOf(user), password: PASSWORD }))
  })
}
