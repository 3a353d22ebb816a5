/** `/sign-in`: address and password, for the session's cookie. */
import { paths } from '../../protocol/paths.ts'
import { DEFAULT_CLIENT_ID } from '../clients/clients.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { Context, Handler } from '../http/context.ts'
import type { ReadCookieEnd, ReadCookieSession } from '../http/cookie-session.ts'
import type { Credentials, PageSignIn } from '../http/page-sign-in.ts'
import { SessionLimitReached } from '../sessions/client-limit.ts'
import { ACCEPT_CH } from '../sessions/device.ts'
import type { Users } from '../users/users.ts'
import { createSendPage, type Look } from './document.ts'
import { hrefTo } from './elements.ts'
import { goTo } from './go-to.ts'
import { inQuery } from './in-query.ts'
import { createInWords, waitInWords, type PassingRefusal } from './in-words.ts'
import { inLink, type Onwards, type ReadOnwards } from './onwards.ts'
import { demandOwnForm } from './own-form.ts'
import { readPageForm } from './page-form.ts'
import { mayHideCookie, reloadPage } from './reload.ts'
import { chosenSession, limitIn, limitPage } from './session-limit.ts'
import { noCookiesPage, signInPage } from './sign-in-views.ts'
import { texts } from './texts.ts'

export interface SignInPage {
  /** The form; who is signed in to the application already goes on, unless `again` is in the query. */
  show: Handler
  act: Handler
}

export function createSignInPage(
  deps: Look & {
    readonly allowedOrigins: AllowedOrigins
    readonly allowsCookies: boolean
    readonly unconfirmedSignIn: 'allow' | 'refuse'
    readonly users: Pick<Users, 'find'>
    readonly readCookieSession: ReadCookieSession
    readonly readCookieEnd: ReadCookieEnd
    readonly readOnwards: ReadOnwards
    readonly signInByPassword: PageSignIn['byPassword']
  },
): SignInPage {
  const { allowedOrigins, allowsCookies, unconfirmedSignIn, users } = deps
  const { readCookieSession, readCookieEnd, readOnwards, signInByPassword } = deps
  const send = createSendPage(deps)
  const inWords = createInWords(send)

  async function show(ctx: Context): Promise<void> {
    // Browsers heed it on pages they navigate to, so the form that follows says more about the device.
    ctx.set('Accept-CH', ACCEPT_CH)
    if (!allowsCookies) return send(ctx, noCookiesPage())
    const onwards = await readOnwards((name) => inQuery(ctx, name), 'cookie')
    const again = 'again' in ctx.query
    const session = (await readCookieSession(ctx))?.session ?? null
    if (session === null) {
      if (mayHideCookie(ctx))
        return send(ctx, reloadPage(paths.signInPage, { ...inLink(onwards), again: again ? '1' : null }))
      return send(ctx, signInPage({ onwards, email: '', remember: true, ended: await readCookieEnd(ctx) }))
    }
    // To an application with another id this session is of no use: it would send the person back here.
    const isTheirs = session.clientId === (onwards.clientId ?? DEFAULT_CLIENT_ID)
    if (isTheirs && !again) return goOn(ctx, onwards)
    const user = await users.find(session.userId)
    const signedIn = isTheirs ? 'here' : 'elsewhere'
    send(ctx, signInPage({ onwards, email: user?.email ?? '', remember: true, signedIn }))
  }

  async function act(ctx: Context): Promise<void> {
    demandOwnForm(ctx, allowedOrigins)
    if (!allowsCookies) return send(ctx, noCookiesPage())
    const form = await readPageForm(ctx)
    const [email, password] = [form.get('email') ?? '', form.get('password') ?? '']
    const remember = form.has('remember')
    const onwards = await readOnwards((name) => form.get(name), 'cookie')
    const { returnTo, clientId } = onwards
    const endSessionId = chosenSession(form)
    const refusal = await tryToSignIn(ctx, { email, password, remember, clientId, endSessionId })
    if (refusal === null) return goOn(ctx, onwards)
    if (!(refusal instanceof SessionLimitReached)) return send(ctx, signInPage({ onwards, email, remember, refusal }))
    const proof = { by: 'password', email, remember, clientId } as const
    send(ctx, limitPage({ limit: refusal, action: paths.signInPage, returnTo, proof }))
  }

  /** @returns null when it worked */
  async function tryToSignIn(
    ctx: Context,
    credentials: Credentials,
  ): Promise<PassingRefusal | SessionLimitReached | null> {
    if (credentials.email === '' || credentials.password === '') return { status: 400, words: [texts.signIn.nothing] }
    try {
      if (await signInByPassword(ctx, credentials)) return null
      return { status: 401, words: [texts.signIn.wrong[unconfirmedSignIn]] }
    } catch (error) {
      return error instanceof SessionLimitReached ? limitIn(ctx, error) : waitInWords(ctx, error)
    }
  }

  return { show: inWords(show), act: inWords(act) }
}

/** To where the person wanted to go, else to the devices. */
const goOn = (ctx: Context, { returnTo }: Onwards): void => goTo(ctx, returnTo ?? hrefTo(paths.devicesPage))
