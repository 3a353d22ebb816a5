/**
 * A client that keeps the client rule, as docs/refresh.md tells it to everybody:
 *
 * 1. the key for a token's refresh is made and stored in the same write as the token;
 * 2. token and key are repeated unchanged until a definitive answer;
 * 3. an answer, also a terminal one, counts only if the store still holds the token that was presented.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { OAuthError, Unavailable } from '../../src/server/errors.ts'
import type { Sessions } from '../../src/server/sessions/sessions.ts'
import { refresh, type Answer } from './people.ts'

/** What a device keeps: a token and the key that belongs to its refresh. */
export interface Credential {
  readonly refreshToken: string
  readonly key: string
}

export type RefreshAnswer =
  | { readonly kind: 'granted'; readonly refreshToken: string; readonly accessToken: string }
  /** Only a terminal refusal is definitive. */
  | { readonly kind: 'refused'; readonly reason: string; readonly terminal: boolean }
  /** A lost connection, 429, 5xx: nobody knows what happened. */
  | { readonly kind: 'unanswered' }

/** Sends a credential once; `attempt` counts the repetitions, so that each can go another way. */
export type Present = (credential: Credential, attempt: number) => Promise<RefreshAnswer>

/** Where token and key are kept; the tabs of one browser share one. */
export class CredentialStore {
  #held: Credential | null

  constructor(refreshToken: string) {
    this.#held = withNewKey(refreshToken)
  }

  read(): Credential | null {
    return this.#held
  }

  /** Compare-and-set: does nothing when somebody else was faster. */
  replace(presented: Credential, successor: string | null): void {
    if (this.#held === presented) this.#held = successor === null ? null : withNewKey(successor)
  }
}

/** In tests the service comes back; who goes on asking for so long has found a fault. */
const MOST_ATTEMPTS = 1_000

const withNewKey = (refreshToken: string): Credential => ({ refreshToken, key: randomUUID() })

export class Device {
  readonly store: CredentialStore
  /** Why it was signed out, in the service's words. */
  refusal: string | null = null
  readonly #present: Present

  constructor(store: CredentialStore, present: Present) {
    this.store = store
    this.#present = present
  }

  get isSignedIn(): boolean {
    return this.store.read() !== null
  }

  /** Resolves when the store holds another token than before, or none. */
  async refresh(): Promise<void> {
    const presented = this.store.read()
    if (presented === null) return
    for (let attempt = 0; this.store.read() === presented; attempt += 1) {
      if (attempt === MOST_ATTEMPTS) throw new Error(`${attempt} attempts, and no definitive answer`)
      const answer = await this.#present(presented, attempt)
      if (answer.kind === 'granted') this.store.replace(presented, answer.refreshToken)
      if (answer.kind !== 'refused' || !answer.terminal) continue
      if (this.store.read() === presented) this.refusal = answer.reason
      this.store.replace(presented, null)
    }
  }
}

/** Presents to the service in this process. */
export async function presentTo({ refresh }: Pick<Sessions, 'refresh'>, credential: Partial<Credential>) {
  return answerOf(
    refresh({
      refreshToken: credential.refreshToken ?? '',
      transport: 'body',
      clientId: null,
      idempotencyKey: credential.key ?? null,
      ip: null,
    }),
  )
}

/** What the rules say to a refresh in this process. Whatever is no answer of theirs is thrown. */
export async function answerOf(refreshed: ReturnType<Sessions['refresh']>): Promise<RefreshAnswer> {
  try {
    const { refreshToken, accessToken } = await refreshed
    return { kind: 'granted', refreshToken, accessToken }
  } catch (error) {
    if (error instanceof Unavailable) return { kind: 'unanswered' }
    if (!(error instanceof OAuthError)) throw error
    const { reason, terminal } = error.extra as { reason: string; terminal: boolean }
    return { kind: 'refused', reason, terminal }
  }
}

/** Presents over HTTP; a process that is gone is no answer. */
export async function presentAt(url: string, credential: Credential): Promise<RefreshAnswer> {
  const answer = await refresh(url, credential.refreshToken, { key: credential.key }).catch(() => undefined)
  if (answer === undefined || answer.status === 503) {
    await delay(5) // lets others work before it comes again; nothing depends on how long
    return { kind: 'unanswered' }
  }
  const { status, body } = answer
  if (status === 200) return { kind: 'granted', refreshToken: body.refresh_token, accessToken: body.access_token }
  if (status !== 400) throw new Error(`a refresh was answered ${status} ${JSON.stringify(body)}`)
  return { kind: 'refused', reason: body.reason ?? body.error ?? '', terminal: body.terminal ?? false }
}

/** The same request again while the service says 503. */
export async function untilAnswered<Body>(send: () => Promise<Answer<Body>>): Promise<Answer<Body>> {
  for (;;) {
    const answer = await send()
    if (answer.status !== 503) return answer
    await delay(5)
  }
}
