/** The wiring of a client, on one page. */
import { createAuthorizedFetch } from './authorized-fetch.ts'
import { createFollowing } from './following.ts'
import { createLock } from './lock.ts'
import { isHidden, isPage, onReturn } from './page.ts'
import { createRecord, newKey } from './record.ts'
import { createRequests, EVENTS } from './requests.ts'
import { createService } from './service.ts'
import { createSession, type Session } from './session.ts'
import { createSessions, type SessionInfo, type Sessions } from './sessions.ts'
import { createObservable, STARTING, type SessionState } from './state.ts'
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
  /** Proves anew who it is. What wants that is granted until the next refresh, some minutes. @throws {HallpassError} */
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
  const fetch: typeof globalThis.fetch = (input, init) => (options.fetch ?? globalThis.fetch)(input, init)
  newKey() // throws at once where there are no random numbers, as in React Native without a polyfill
  const issuer = options.issuer.replace(/\/+$/, '')
  const storage = options.storage ?? (transport === 'cookie' ? webStorage(`hallpass ${issuer}`) : memoryStorage())
  const name = storage.name ?? null

  const state = createObservable(STARTING)
  const devices = createObservable(0)
  const tabs = createTabs(name, (news) => session.hear(news))
  const service = createService({ issuer, transport, app, fetch })
  const session = createSession({
    requests: createRequests({ service, transport, clientId }),
    record: createRecord(storage),
    lock: createLock(name),
    state,
    tell: tabs.tell,
    transport,
  })
  const origins = new Set([issuer, ...(options.apis ?? [])].map((url) => new URL(url).origin))
  const authorizedFetch = createAuthorizedFetch({
    accessToken: () => begun().accessToken(),
    refresh: session.refresh,
    origins,
    fetch,
  })
  const following = createFollowing({
    url: issuer + EVENTS,
    fetch: authorizedFetch,
    hasEnded: session.hasEnded,
    onChange: () => devices.set(devices.value + 1),
  })

  let isBegun = false
  const end = new AbortController()

  /** Whoever wants something of the session sets it going. */
  function begun(): Session {
    if (!isBegun) {
      isBegun = true
      state.subscribe(attend)
      onReturn(wake, end.signal)
      void session.refresh().catch(() => undefined)
    }
    return session
  }

  function attend(): void {
    following(follow && !end.signal.aborted && !isHidden() ? state.value.sessionId : null)
  }

  function wake(): void {
    if (!isBegun || end.signal.aborted) return
    attend()
    if (!isHidden()) session.wake().catch(() => undefined)
  }

  return {
    get state() {
      return state.value
    },
    onChange(listener) {
      begun()
      return state.subscribe(listener)
    },
    async ready() {
      begun()
      if (state.value.status === 'unknown') await session.refresh().catch(() => undefined)
      return state.value
    },
    signIn: (credentials, { deviceName, remember } = {}) =>
      begun().signIn({ ...toRequest(credentials), device_name: deviceName, remember }),
    signOut: () => begun().signOut(),
    reauthenticate: (proof) => begun().reauthenticate(toRequest(proof)),
    getAccessToken: () => begun().accessToken(),
    fetch: authorizedFetch,
    sessions: createSessions(createService({ issuer, transport: 'body', fetch: authorizedFetch }), (listener) => {
      begun()
      return devices.subscribe(listener)
    }),
    wake,
    close() {
      isBegun = true // and never again
      end.abort()
      attend()
      session.close()
      tabs.close()
    },
  }
}

const toRequest = (proof: Credentials | Proof): object =>
  'magicLinkToken' in proof ? { magic_link_token: proof.magicLinkToken } : proof
