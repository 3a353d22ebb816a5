/**
 * Whether the time of an answer tells that an address has an account. For each request that must not tell,
 * known and unknown addresses are asked about in random order on one connection; the Mann-Whitney test says how often a known
 * one takes longer than an unknown one. 0.5 is what a coin would say; from 0.4 to 0.6 passes, if the medians
 * also differ by no more than 2 ms or 5 %.
 *
 *   npm run bench:enumeration                     on the embedded store and on a PostgreSQL of its own
 *   npm run bench:enumeration -- --rounds 1000
 */
import { parseArgs } from 'node:util'
import { askedToken, use } from '../test/support/email-flows.ts'
import { stopSharedMailServer } from '../test/support/mail.ts'
import { anAddress, PASSWORD, register, send, signIn } from '../test/support/people.ts'
import { stopSharedPostgres } from '../test/support/postgres.ts'
import { startServer, type StoreKind, type TestServer } from '../test/support/server.ts'
import { median } from './report/quantiles.ts'

type Request = (email: string) => Promise<unknown>

interface Comparison {
  readonly name: string
  /** An address with an account, made anew or taken from a few. */
  readonly known: readonly string[]
  readonly request: Request
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '400' } } })
const rounds = Number(values.rounds)

let hasPassed = true
for (const store of ['embedded', 'postgresql'] as const) {
  const server = await startServer(store, { HALLPASS_UNCONFIRMED_SIGN_IN: 'refuse' })
  try {
    for (const comparison of await comparisonsOn(server)) hasPassed = (await compare(store, comparison)) && hasPassed
  } finally {
    await server.stop()
  }
}
await stopSharedPostgres()
await stopSharedMailServer()
process.exitCode = hasPassed ? 0 : 1

async function comparisonsOn(server: TestServer): Promise<Comparison[]> {
  const { url } = server
  const known = await Promise.all(Array.from({ length: 20 }, () => confirmed(url)))
  const unconfirmed = await Promise.all(Array.from({ length: 20 }, () => register(url)))
  const disabled = await Promise.all(Array.from({ length: 20 }, () => disabledAccount(server)))
  const asker = (await signIn(url, await confirmed(url))).accessToken

  const signInWith = (password: string) => (email: string) => send(`${url}/v1/sessions`, { body: { email, password } })
  const post = (path: string, token?: string) => (email: string) =>
    send(url + path, { body: { email }, ...(token === undefined ? {} : { token }) })
  const registerAgain: Request = (email) => send(`${url}/v1/users`, { body: { email, password: PASSWORD } })

  return [
    { name: 'sign in, wrong password', known, request: signInWith('not the passphrase') },
    { name: 'sign in, unconfirmed, right password', known: unconfirmed, request: signInWith(PASSWORD) },
    { name: 'sign in, disabled, right password', known: disabled, request: signInWith(PASSWORD) },
    { name: 'register', known, request: registerAgain },
    { name: 'reset', known, request: post('/v1/password-resets') },
    { name: 'reset, disabled', known: disabled, request: post('/v1/password-resets') },
    { name: 'magic link', known, request: post('/v1/magic-links') },
    { name: 'confirmation', known: unconfirmed, request: post('/v1/email-confirmations') },
    { name: 'change of address', known, request: post('/v1/email-changes', asker) },
  ]
}

async function confirmed(url: string): Promise<string> {
  const email = await register(url)
  await use(url, 'confirm', { token: await askedToken(url, 'confirm', email, 1) })
  return email
}

async function disabledAccount({ url, hallpass }: TestServer): Promise<string> {
  const email = await confirmed(url)
  const { userId } = await signIn(url, email)
  await hallpass.accounts.disable(userId, { kind: 'admin', sessionId: null, ip: null })
  return email
}

async function compare(store: StoreKind, { name, known, request }: Comparison): Promise<boolean> {
  const times = { known: [] as number[], unknown: [] as number[] }
  for (let round = -20; round < rounds; round += 1) {
    const pair = [
      ['known', known[Math.abs(round) % known.length] ?? ''],
      ['unknown', anAddress()],
    ] as const
    // In random order, so that what a request leaves to be done after its answer falls on either kind alike.
    for (const [kind, email] of Math.random() < 0.5 ? pair : pair.toReversed()) {
      const start = performance.now()
      await request(email)
      if (round >= 0) times[kind].push(performance.now() - start)
    }
  }
  const share = shareOfLonger(times.known, times.unknown)
  const [ofKnown, ofUnknown] = [median(times.known), median(times.unknown)]
  const isAlike = share >= 0.4 && share <= 0.6 && Math.abs(ofKnown - ofUnknown) <= Math.max(2, ofUnknown * 0.05)
  const figures = `${share.toFixed(3)}   ${ofKnown.toFixed(2).padStart(6)} ms   ${ofUnknown.toFixed(2).padStart(6)} ms`
  process.stdout.write(`${store.padEnd(10)}  ${name.padEnd(38)}  ${figures}   ${isAlike ? 'alike' : 'TELLS'}\n`)
  return isAlike
}

/** Mann-Whitney U over all pairs: how often a time of `left` is longer than one of `right`. */
function shareOfLonger(left: readonly number[], right: readonly number[]): number {
  let longer = 0
  for (const one of left) for (const other of right) longer += one > other ? 1 : one === other ? 0.5 : 0
  return longer / (left.length * right.length)
}
