/** The wiring of a client, on one page. */
import { createAuthorizedFetch } from './authorized-fetch.ts'
import { createFollowing } from './following.ts'
import { createLock } from './lock.ts'
import { isHidden, isPage, onReturn } from './page.ts'
import { createRecord } from './record.ts'
import { createRequests } from './requests.ts'
import { createService } from './service.ts'
import { createSession } from './session.ts'
import { createSessions, type SessionInfo, type Sessions } from './sessions.ts'
import { createObservable, type SessionState } from './state.ts'
import { memoryStorage, webStorage, type ClientStorage } from './storage.ts'
import { createTabs } from './tabs.ts'

export interface ClientOptions {
  /** The URL of the service. */
  readonly issuer: string
  /** `cookie`: pages of the issuer's site; scripts never see the refresh token. `body`: apps, with a storage of their own. */
  readonly transport: 'cookie' | 'body'
  /** Where the refresh token is kept, with `body`. In memory by default: it is gone with the page or the process. */
  readonly storage?: ClientStorage
  readonly clientId?: string
  /** Origins of APIs that get the access token by `client.fetch`, beside the issuer itself. */
  readonly apis?: readonly string[]
  /** The `Hallpass-Client` header: what an app says of itself and its device, for the list of devices. */
  readonly app?: string
  /** Whether to hear at once that the session ended. By default in pages, while they are visible. */
  readonly follow?: boolean
  /** In place of the global one. */
  readonly fetch?: typeof fetch
}

export type Proof = { readonly password: string } | { readonly magicLinkToken: string }
export type Credentials = { readonly email: string; readonly password: string } | { readonly magicLinkToken: string }

export interface SignInOptions {
  readonly deviceName?: string
  /** False: with the browser it ends, and after a day at the latest. */
  readonly remember?: boolean
}

export interface Client {
  /** A new object after every change, so that `===` tells. */
  readonly state: SessionState
  /** @returns to stop that */
  readonly onChange: (listener: (state: SessionState) => void) => () => void
  /** Resolves as soon as it is known whether somebody is signed in, or that this cannot be known now. */
  ready(): Promise<SessionState>
  /** @throws {HallpassError} */
  signIn(credentials: Credentials, options?: SignInOptions): Promise<SessionInfo>
  /**
   * At once on this device and in all its tabs.
   * @returns whether the service knows it; where it could not be reached it is told later, by itself
   */
  signOut(): Promise<boolean>
  /** Proves anew who it is; what wants recent authentication goes on for ten minutes. @throws {HallpassError} */
  reauthenticate(proof: Proof): Promise<void>
  /** Good for a few seconds at least. @throws {HallpassError} `signed_out`, or why there is none to be had now */
  getAccessToken(): Promise<string>
  /** Like the global one, and with the access token where it belongs. @throws {HallpassError} as getAccessToken does */
  readonly fetch: typeof fetch
  readonly sessions: Sessions
  /** Where the page cannot tell that somebody came back: React Native's AppState says so. */
  wake(): void
  /** Nothing runs any more. */
  close(): void
}

/** Nothing runs before it is used, so that it may be made anywhere, on a server too. */
export function createClient(options: ClientOptions): Client {
  const { transport, clientId, app, follow = isPage() } = options
  if (typeof globalThis.crypto?.getRandomValues !== 'function') {
    throw new TypeError('crypto.getRandomValues is missing')
  }
  const issuer = options.issuer.replace(/\/+$/, '')
  const usesCookie = transport === 'cookie'
  const fetch: typeof globalThis.fetch = (input, init) => (options.fetch ?? globalThis.fetch)(input, init)
  const storage = options.storage ?? (usesCookie ? webStorage(`hallpass ${issuer}`) : memoryStorage())
  const name = storage.name ?? null

  const state = createObservable<SessionState>({ status: 'unknown', because: 'starting', sessionId: null })
  const devices = createObservable(0)
  const tabs = createTabs(name, (news) => session.hear(news))
  const service = createService({ issuer, usesCookie, app, fetch })
  const session = createSession({
    requests: createRequests({ service, usesCookie, clientId }),
    record: createRecord(storage),
    lock: createLock(name),
    state,
    tell: tabs.tell,
    usesCookie,
  })
  const following = createFollowing({
    issuer,
    fetch,
    accessToken: session.accessToken,
    onEnded: session.hasEnded,
    onSessionsChanged: () => devices.set(devices.value + 1),
  })
  const origins = new Set([issuer, ...(options.apis ?? [])].map((url) => new URL(url).origin))
  const authorizedFetch = createAuthorizedFetch({
    accessToken() {
      start()
      return session.accessToken()
    },
    refresh: session.refresh,
    origins,
    fetch,
  })

  let stop: (() => void) | undefined

  function start(): void {
    if (stop !== undefined) return
    const stopState = state.subscribe(attend)
    const stopReturn = onReturn(wake)
    stop = () => {
      stopState()
      stopReturn()
    }
    void session.refresh().catch(() => undefined)
  }

  function attend(): void {
    if (follow && state.value.status === 'signed_in' && !isHidden()) following.start()
    else following.stop()
  }

  function wake(): void {
    if (stop === undefined) return
    attend()
    if (!isHidden()) session.wake().catch(() => undefined)
  }

  return {
    get state() {
      return state.value
    },
    onChange(listener) {
      start()
      return state.subscribe(listener)
    },
    async ready() {
      start()
      if (state.value.status === 'unknown') await session.refresh().catch(() => undefined)
      return state.value
    },
    signIn(credentials, { deviceName, remember } = {}) {
      start()
      return session.signIn({
        ...toRequest(credentials),
        ...(deviceName !== undefined && { device_name: deviceName }),
        ...(remember !== undefined && { remember }),
      })
    },
    signOut() {
      start()
      return session.signOut()
    },
    reauthenticate(proof) {
      start()
      return session.reauthenticate(toRequest(proof))
    },
    getAccessToken() {
      start()
      return session.accessToken()
    },
    fetch: authorizedFetch,
    sessions: createSessions(createService({ issuer, usesCookie: false, fetch: authorizedFetch }), devices.subscribe),
    wake,
    close() {
      stop?.()
      stop = () => undefined
      following.stop()
      session.close()
      tabs.close()
    },
  }
}

const toRequest = (proof: Credentials | Proof): object =>
  'magicLinkToken' in proof ? { magic_link_token: proof.magicLinkToken } : proof
