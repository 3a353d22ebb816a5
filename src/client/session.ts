/**
 * The session of this device: the client rule of docs/refresh.md, to the letter. Whatever happens to an answer,
 * what is kept is repeated unchanged until the service has decided; and only its word signs a person out.
 */
import { createAccess, type Access } from './access.ts'
import { createBackOff } from './back-off.ts'
import { endIn, HallpassError, isTerminal, NOBODY, toError, unavailable } from './errors.ts'
import { ROUNDS, SHORTEST_LIFE, WORD_OF_MOUTH } from './figures.ts'
import { finishSignOut } from './finish-sign-out.ts'
import { isHidden } from './page.ts'
import type { InTurn } from './queue.ts'
import { newKey, type Kept, type Record } from './record.ts'
import { toKept, type Requests, type Tokens } from './requests.ts'
import { isSame } from './same.ts'
import type { End, Observable, SessionState } from './state.ts'
import type { News } from './tabs.ts'
import { later, pause, startStopwatch, type Stopwatch } from './time.ts'

export interface Session {
  /** @throws {HallpassError} `signed_out`, or why there is none to be had now */
  readonly accessToken: () => Promise<string>
  /** @throws {HallpassError} why there is no newer access token to be had now */
  readonly refresh: () => Promise<void>
  readonly signIn: <Info extends { readonly id: string }>(request: object) => Promise<Info>
  /** @returns false when the service could not be told yet; it will be */
  readonly signOut: () => Promise<boolean>
  readonly reauthenticate: (proof: object) => Promise<void>
  /** The service says that it is over. Its refusal will say so too, and why. */
  readonly hasEnded: () => void
  /** A person is back, or the network: much may have happened meanwhile. */
  readonly wake: () => Promise<void>
  /** From another tab. */
  readonly hear: (news: News) => void
  readonly close: () => void
}

/** Nobody has to be told why. */
const BY_CHOICE: End = { reason: 'signed_out' }

export function createSession(deps: {
  readonly requests: Requests
  readonly record: Record
  readonly lock: InTurn
  readonly state: Observable<SessionState>
  readonly tell: (news: News) => void
  readonly transport: 'cookie' | 'body'
}): Session {
  const { requests, record, lock, state, tell } = deps
  const usesCookie = deps.transport === 'cookie'
  const backOff = createBackOff()
  let access: Access | null = null
  /** The last one that ended here: what other tabs say of it comes too late. */
  let ended: string | null = null
  /** Grows with every change of who is signed in: the answer to what was asked before counts for nothing. */
  let epoch = 0
  /** Grows with what the person wants: a later wish wins. */
  let wish = 0
  let refreshing: Promise<void> | undefined
  let stopTimer = (): void => undefined
  let isClosed = false
  /** A sign-out is not written down yet. */
  let isLeaving = false

  /** An access token that is still good. */
  const bearer = (): string | undefined => (access?.isUsable() ? access.token : undefined)
  const isDue = (): boolean => !access || access.untilDue() <= 0
  const isSignedOut = (): boolean => state.value.status === 'signed_out'

  async function accessToken(): Promise<string> {
    for (let round = 0; round < ROUNDS; round++) {
      if (isSignedOut()) throw new HallpassError('signed_out', undefined, { ...state.value })
      const token = bearer()
      if (token) {
        if (isDue()) refreshSoon()
        return token
      }
      await refresh()
    }
    throw unavailable()
  }

  const refresh = (): Promise<void> => (refreshing ??= attempt().finally(() => (refreshing = undefined)))

  /** Who fails in the background fails again before whoever needs a token. */
  const refreshSoon = (): void => void refresh().catch(() => undefined)

  async function attempt(): Promise<void> {
    backOff.check()
    const before = access
    const waited = startStopwatch()
    try {
      await lock(async () => {
        if (waited() > WORD_OF_MOUTH) await pause(WORD_OF_MOUTH)
        if (!isClosed && (access === before || !bearer())) await renew() // else another tab was faster
      })
      backOff.succeeded()
    } catch (cause) {
      const error = toError(cause)
      schedule(backOff.failed(error))
      learn({ because: endIn(error).reason ?? error.code })
      throw error
    }
  }

  /** Of a state that nobody knows yet. */
  function learn(news: { readonly because: string } | { readonly sessionId: string | null }): void {
    const { value } = state
    if (value.status === 'unknown') state.set({ ...value, ...news })
  }

  /** What is kept, once a sign-out that could not be written down is. */
  async function look(): Promise<Kept | null> {
    const kept = await record.change((was) => {
      if (was ? isLeaving : usesCookie) return { key: newKey(), ...was, out: isLeaving || undefined }
      return undefined
    })
    if (kept ? kept.out : !usesCookie) isLeaving = false // else it came while this was written
    return kept
  }

  async function renew(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const mine = epoch
      const kept = await look()
      if (epoch !== mine) return
      if (!kept?.key) return leave(kept?.end ?? NOBODY)
      if (kept.out) {
        leave(BY_CHOICE)
        await finishSignOut(requests, record)
        if (!(await record.read())) return
      } else {
        learn({ sessionId: kept.sid ?? null })
        if (await exchange(kept, mine)) return
      }
    }
    throw unavailable()
  }

  /** @returns false when what was presented is no longer what is kept: somebody else was faster */
  async function exchange(kept: Kept, mine: number): Promise<boolean> {
    const age = startStopwatch()
    let end: End | undefined
    const answer = await requests.refresh(kept).catch((error: unknown) => {
      // Replaced by a sign-in in this very browser, on a page of the service: its cookie is on the way.
      const refusal = toError(error)
      const isReplaced = state.value.status === 'signed_in' && refusal.details.reason === 'replaced'
      if (epoch === mine && (isReplaced || !isTerminal(refusal))) throw refusal
      end = endIn(refusal)
    })
    // A browser keeps its cookie, and is told again; others drop their token, and keep why.
    const next = answer ? toKept(answer, answer.session_id, kept) : usesCookie ? null : { key: '', end: end! }
    let counts = false
    // Compare and set: an answer to anything but what is kept is dropped.
    const change = record.change((now) => {
      counts = epoch === mine && isSame(now, kept)
      return counts ? next : undefined
    })
    await change.catch((error: unknown) => {
      // Not written: next time the same token and key are presented, and answered alike.
      if (!counts) throw error
    })
    counts &&= epoch === mine // a sign-out may have come while it was written
    if (counts && answer) accept(answer, answer.session_id, age)
    else if (counts) leave(end!)
    return counts || epoch !== mine
  }

  function accept(tokens: Tokens, sid: string, age: Stopwatch): void {
    const { access_token: token, expires_in: seconds } = tokens
    const life = Math.max(seconds, SHORTEST_LIFE) * 1000
    backOff.succeeded()
    hold(createAccess(token, sid, life, age))
    tell({ token, sid, life: life - age() })
  }

  function hold(next: Access): void {
    if (state.value.sessionId !== next.sid) ended = state.value.sessionId ?? ended
    access = next
    isLeaving = false
    schedule(next.untilDue())
    state.set({ status: 'signed_in', sessionId: next.sid })
  }

  /** The person is signed out on this device, and whoever looks at it is told. */
  function leave(end: End): void {
    if (!end.reason && isSignedOut()) return
    const sid = state.value.sessionId
    drop(end)
    if (sid) tell({ ...end, sid })
  }

  /** Whatever is under way, its answer comes too late. */
  function supersede(): void {
    epoch += 1
    stopTimer()
  }

  function drop(end: End, sid = state.value.sessionId): void {
    supersede()
    ended = sid ?? ended
    access = null
    state.set({ status: 'signed_out', sessionId: null, ...end })
  }

  function schedule(wait: number): void {
    stopTimer()
    if (isClosed) return
    stopTimer = later(() => {
      if (!isHidden()) refreshSoon() // else when somebody looks
    }, wait)
  }

  /** @throws {HallpassError} unless it is still so, and no sign-out or other sign-in came between */
  const demand = (isStill: boolean): void => {
    if (!isStill) throw new HallpassError('superseded')
  }

  const signIn = <Info extends { readonly id: string }>(request: object): Promise<Info> => {
    const mine = ++wish
    return lock(async () => {
      demand(wish === mine)
      epoch += 1
      await look()
        .then(() => finishSignOut(requests, record))
        .catch(() => undefined)
      const age = startStopwatch()
      const answer = await requests.signIn<Info>(request)
      const { session } = answer
      try {
        await record.change(() => (wish === mine ? toKept(answer, session.id) : undefined))
        demand(wish === mine)
      } catch (error) {
        // Nobody could refresh it, or nobody wants it any more.
        await requests.endSession(answer.access_token).catch(() => undefined)
        throw error
      }
      accept(answer, session.id, age)
      return session
    })
  }

  async function signOut(): Promise<boolean> {
    const token = bearer()
    wish += 1
    isLeaving = true
    leave(BY_CHOICE)
    try {
      // First of all: it is remembered should the app be killed now, or have no network.
      await look()
      await lock(() => finishSignOut(requests, record, token))
      return true
    } catch (cause) {
      schedule(backOff.failed(toError(cause)))
      return false
    }
  }

  async function reauthenticate(proof: object): Promise<void> {
    const mine = wish
    const kept = await record.read()
    const token = bearer()
    const sid = token ? access?.sid : kept?.sid
    const age = startStopwatch()
    const answer = await requests.reauthenticate({ ...proof, refresh_token: token ? undefined : kept?.token }, token)
    demand(wish === mine && sid === state.value.sessionId)
    accept(answer, sid!, age)
  }

  async function wake(): Promise<void> {
    backOff.relent()
    const kept = await record.read()
    // A tab that sleeps hears nothing: what is kept has the last word.
    if (access && (kept ? kept.out : !usesCookie)) drop(BY_CHOICE)
    if (kept?.sid !== access?.sid) access = null
    // Nobody sees whether a page of the service has set a cookie meanwhile.
    if (isSignedOut() ? usesCookie || kept : isDue()) await refresh()
  }

  function hear(news: News): void {
    if ('token' in news) {
      if (news.sid !== ended) hold(createAccess(news.token, news.sid, news.life, startStopwatch()))
    } else {
      const { sid, ...end } = news
      if (!isSignedOut() && (state.value.sessionId ?? sid) === sid) drop(end, sid)
    }
  }

  return {
    accessToken,
    refresh,
    signIn,
    signOut,
    reauthenticate,
    wake,
    hear,
    hasEnded() {
      access = null
      refreshSoon()
    },
    close() {
      isClosed = true
      supersede()
    },
  }
}
