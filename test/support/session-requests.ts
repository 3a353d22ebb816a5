/** Every request that reads or writes sessions: the hot ones, and what people and operators do now and then. */
import { basic, makeKey, type Key } from './api-keys.ts'
import { openPage } from './pages.ts'
import {
  aSignedInPerson,
  callSessions,
  PASSWORD,
  refresh,
  refreshByCookie,
  register,
  rotate,
  send,
  sendForm,
  signIn,
  signInByCookie,
  type Answer,
  type SignedIn,
} from './people.ts'
import { HOUR, moveTimes } from './rows.ts'
import type { TestServer } from './server.ts'
import { createSession } from './sessions.ts'

/** A person with three devices, and an operator. */
export interface Scene {
  readonly server: TestServer
  readonly url: string
  /** Of the scopes admin and introspect. */
  readonly operator: Key
  readonly phone: Device
  readonly laptop: Device
  /** By the cookie transport. */
  readonly browser: Device
}

type Device = Omit<SignedIn, 'email'>
type Request = (scene: Scene) => Promise<unknown>

/** By what it is for. The outer part makes what has to be there before the request, the inner one is the request. */
export const SESSION_REQUESTS: Readonly<Record<string, (scene: Scene) => Promise<() => Promise<unknown>>>> = {
  'a sign-in': async ({ url }) => {
    const email = await register(url)
    return () => signIn(url, email)
  },
  'a sign-in over the cookie of another': async ({ url }) => {
    const email = await register(url)
    const { refreshToken } = await signInByCookie(url, email)
    return () => signInByCookie(url, email, { headers: { cookie: `hallpass=${refreshToken}` } })
  },
  'a sign-in while somebody guesses the password': async ({ url }) => {
    const { email } = await aSignedInPerson(url)
    const body = { email, password: 'a guess that is wrong' }
    for (let count = 0; count < GUESSES; count += 1) await send(`${url}/v1/sessions`, { body })
    return () => signIn(url, email)
  },

  'a refresh': just(({ url, phone }) => refresh(url, phone.refreshToken)),
  'a refresh by cookie': just(({ url, browser }) => refreshByCookie(url, browser.refreshToken)),
  'refreshes of one person’s devices at once': async ({ server, url, phone: { userId } }) => {
    const devices: Device[] = []
    // One after the other: they all want the account's lock, whose patience ends on a slow machine.
    for (let count = 0; count < DEVICES; count += 1) devices.push(await createSession(server, userId))
    // The first refresh of each finds it changed, and goes alone.
    const known = await Promise.all(devices.map(({ refreshToken }) => refresh(url, refreshToken)))
    return () => Promise.all(known.map(({ body }) => refresh(url, body.refresh_token)))
  },
  'a refresh from a device that shows something else': just(({ url, phone }) =>
    refresh(url, phone.refreshToken, { headers: { 'user-agent': 'Another/1.0' } }),
  ),
  'a replay': after(rotated, refreshOfPhone),
  'the reuse of an old token': after(async (scene) => {
    await rotated(scene)
    await moveTimes(scene.server, scene.phone, { rotated_at: -HOUR })
  }, refreshOfPhone),
  'a refresh after the end': after(endOfPhone, refreshOfPhone),

  'the list of devices': just(({ url, phone }) => callSessions(url, 'GET', '', phone.accessToken)),
  'the list of all that there were': just(({ url, phone }) =>
    callSessions(url, 'GET', '?status=all', phone.accessToken),
  ),
  'a look at a device': just(({ url, phone, laptop }) =>
    callSessions(url, 'GET', `/${phone.sessionId}`, laptop.accessToken),
  ),
  'a new name for it': just(({ url, phone, laptop }) =>
    callSessions(url, 'PATCH', `/${phone.sessionId}`, laptop.accessToken, { device_name: 'Ada’s' }),
  ),
  'a sign-out': just(({ url, phone }) => callSessions(url, 'DELETE', '/current', phone.accessToken)),
  'a sign-out of another device': just(endOfPhone),
  'a sign-out of all others': just(({ url, phone }) =>
    callSessions(url, 'DELETE', '?except=current', phone.accessToken),
  ),
  'a sign-out everywhere': just(({ url, phone }) => callSessions(url, 'DELETE', '', phone.accessToken)),

  'a look at the own account': just(({ url, phone }) => send(`${url}/v1/users/me`, { token: phone.accessToken })),
  'a change of the password': async ({ url }) => {
    const { accessToken: token } = await aSignedInPerson(url)
    const body = { current_password: PASSWORD, password: 'another long enough passphrase' }
    return () => send(`${url}/v1/users/me/password`, { method: 'PUT', token, body })
  },
  'a re-authentication': async ({ url }) => {
    const { accessToken } = await aSignedInPerson(url)
    return () => callSessions(url, 'POST', '/current/reauthentication', accessToken, { password: PASSWORD })
  },
  'the making of an API key': just(({ url, phone }) => makeKey(url, phone.accessToken)),
  'the history': just(({ url, phone }) => send(`${url}/v1/events`, { token: phone.accessToken })),
  'the page of devices': just(({ url, browser }) =>
    openPage(`${url}/devices`, { cookie: `hallpass=${browser.refreshToken}` }),
  ),

  'an introspection by access token': just((scene) => tell(scene, 'introspect', scene.phone.accessToken)),
  'an introspection by refresh token': just((scene) => tell(scene, 'introspect', scene.phone.refreshToken)),
  'a revocation by refresh token': just((scene) => tell(scene, 'revoke', scene.phone.refreshToken)),

  'an operator’s look at a session': just((scene) => operate(scene, 'GET', sessionOf(scene))),
  'an operator’s change of it': just((scene) =>
    operate(scene, 'PATCH', sessionOf(scene), { pinned: true, data: { team: 'red' } }),
  ),
  'an operator’s end of it': just((scene) => operate(scene, 'DELETE', sessionOf(scene))),
  'an operator’s revival of it': after(endOfPhone, (scene) =>
    operate(scene, 'PATCH', sessionOf(scene), { revoked: false }),
  ),
  'an operator’s look at a user': just((scene) => operate(scene, 'GET', userOf(scene))),
  'an operator’s look at a user’s sessions': just((scene) => operate(scene, 'GET', `${userOf(scene)}/sessions`)),
}

/** So many that some of them share a statement (src/server/database/groups.ts). */
const DEVICES = 20
/** As many as an account takes before it asks from where (src/server/rate-limits/limits.ts), and one more. */
const GUESSES = 11

function after(prepare: Request, request: Request) {
  return async (scene: Scene): Promise<() => Promise<unknown>> => {
    await prepare(scene)
    return () => request(scene)
  }
}

function just(request: Request) {
  return after(() => Promise.resolve(), request)
}

function rotated({ url, phone }: Scene): Promise<unknown> {
  return rotate(url, { ...phone, email: '' }, 1)
}

function refreshOfPhone({ url, phone }: Scene): Promise<unknown> {
  return refresh(url, phone.refreshToken)
}

function endOfPhone({ url, phone, laptop }: Scene): Promise<unknown> {
  return callSessions(url, 'DELETE', `/${phone.sessionId}`, laptop.accessToken)
}

const tell = ({ url, operator }: Scene, to: 'introspect' | 'revoke', token: string): Promise<Answer> =>
  sendForm(`${url}/oauth/${to}`, { token }, basic(operator))

const operate = ({ url, operator }: Scene, method: string, path: string, body?: unknown): Promise<Answer> =>
  send(`${url}/v1/admin${path}`, { method, headers: basic(operator), ...(body === undefined ? {} : { body }) })

const sessionOf = ({ phone }: Scene): string => `/sessions/${phone.userId}/${phone.sessionId}`
const userOf = ({ phone }: Scene): string => `/users/${phone.userId}`
