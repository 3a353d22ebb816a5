/** `/devices`: a person looks at where they are signed in, and ends what should not be. */
import { validate as isUuid } from 'uuid'
import { paths } from '../../protocol/paths.ts'
import { Problem } from '../errors.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { FormParameters } from '../http/body.ts'
import type { ClientAddressOf } from '../http/client-address-of.ts'
import type { Context, Handler } from '../http/context.ts'
import type { ReadCookieSession } from '../http/cookie-session.ts'
import type { SessionCookie } from '../http/cookie.ts'
import { isRecent } from '../http/middleware/require-recent-authentication.ts'
import { clearOwnCookie } from '../http/own-cookie.ts'
import { isOwnPassword } from '../http/own-password.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import { bySession, type Actor } from '../sessions/actor.ts'
import { displayText } from '../sessions/display-text.ts'
import { findNovelties } from '../sessions/novelty.ts'
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { FormTokens } from '../tokens/form-token.ts'
import type { Users } from '../users/users.ts'
import { doneIn, wordsOn, type Done } from './devices-done.ts'
import { confirmPage, noDevicePage, signedOutPage, stalePage, type Proof, type Wish } from './devices-steps.ts'
import { devicesPage } from './devices-views.ts'
import { createSendPage, type Look } from './document.ts'
import { hrefTo } from './elements.ts'
import { goTo } from './go-to.ts'
import { inQuery } from './in-query.ts'
import { createInWords, waitInWords, type PassingRefusal } from './in-words.ts'
import { namedClient } from './onwards.ts'
import { readPageForm } from './page-form.ts'
import { mayHideCookie, reloadPage } from './reload.ts'
import { readReturnTo } from './return-to.ts'
import { texts } from './texts.ts'

interface DevicesPageDependencies extends Look {
  readonly issuer: string
  readonly allowedOrigins: AllowedOrigins
  readonly cookie: SessionCookie
  readonly sessions: Sessions
  readonly users: Pick<Users, 'checkPassword' | 'find' | 'hasPassword'>
  readonly rateLimits: Pick<RateLimits, 'beforePasswordCheck'>
  readonly formTokens: FormTokens
  readonly readCookieSession: ReadCookieSession
  readonly clientAddressOf: ClientAddressOf
}

/** Somebody who is signed in, at this page. */
interface Visit {
  readonly session: Session
  /** The database's clock. */
  readonly now: Date
  /** When the password was given at this page, which then carries it from form to form. */
  readonly confirmedAt: Date | null
  /** Where the person came from, and can go back to. */
  readonly returnTo: string | null
}

export function createDevicesPage(deps: DevicesPageDependencies): { show: Handler; act: Handler } {
  const { issuer, allowedOrigins, sessions, users, formTokens, clientAddressOf, readCookieSession } = deps
  const send = createSendPage(deps)
  const inWords = createInWords(send)
  // An absolute path for whoever is sent back from the sign-in page, with what a proxy has put before it.
  const path = new URL(issuer).pathname.replace(/\/$/, '') + paths.devicesPage
  const hereFor = (returnTo: string | null): string =>
    returnTo === null ? path : `${path}?${new URLSearchParams({ return_to: returnTo }).toString()}`

  /** From there people come back. @param session whose application has to get the next one too */
  const signInHref = (returnTo: string | null, session?: Session): string =>
    hrefTo(paths.signInPage, {
      return_to: hereFor(returnTo),
      client_id: session ? namedClient(session.clientId) : null,
    })

  async function show(ctx: Context): Promise<void> {
    const returnTo = readReturnTo(inQuery(ctx, 'return_to'), allowedOrigins)
    const visit = await visitOf(ctx, returnTo)
    if (visit !== null) return showDevices(ctx, visit, doneIn(ctx))
    if (mayHideCookie(ctx)) return send(ctx, reloadPage(paths.devicesPage, { return_to: returnTo }))
    goTo(ctx, signInHref(returnTo))
  }

  async function visitOf(ctx: Context, returnTo: string | null): Promise<Visit | null> {
    const presented = await readCookieSession(ctx)
    if (presented === null) return null
    const { session, now } = presented
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    return { session, now, confirmedAt: null, returnTo }
  }

  async function showDevices(ctx: Context, visit: Visit, done: Done | null): Promise<void> {
    const { session, now, confirmedAt, returnTo } = visit
    const [user, live, all] = await Promise.all([
      users.find(session.userId),
      sessions.list(session.userId, 'active'),
      sessions.list(session.userId, 'all'),
    ])
    send(
      ctx,
      devicesPage({
        address: user?.email ?? null,
        current: session,
        others: live.filter(({ id }) => id !== session.id),
        novelties: findNovelties(all, now),
        now,
        formToken: formTokens.make(session.id, confirmedAt),
        done: done && wordsOn(done, all, session),
        signInHref: signInHref(returnTo, session),
        back: returnTo === null ? null : { returnTo, host: new URL(returnTo, issuer).host },
      }),
    )
  }

  async function act(ctx: Context): Promise<void> {
    const form = await readPageForm(ctx)
    const returnTo = readReturnTo(form.get('return_to'), allowedOrigins)
    const visit = await visitOf(ctx, returnTo)
    if (visit === null) return goTo(ctx, signInHref(returnTo))
    const carried = formTokens.read(form.get('form_token'), visit.session.id)
    if (carried === null) return send(ctx, stalePage(returnTo))
    const action = actions.get(form.get('action') ?? '')
    if (action === undefined) throw new Problem(400, 'invalid_request', 'There is no such action.')
    await action(ctx, { ...visit, ...carried }, form)
  }

  async function rename(ctx: Context, visit: Visit, form: FormParameters): Promise<void> {
    const id = idIn(form)
    const name = displayText(form.get('name'), 100)
    const renamed = id === null ? null : await sessions.rename(visit.session.userId, id, name)
    if (renamed === null) return send(ctx, noDevicePage(visit.returnTo))
    // This device's own name is on the page as well.
    const session = renamed.id === visit.session.id ? renamed : visit.session
    await goOn(ctx, { ...visit, session }, { done: 'renamed', device: renamed.id })
  }

  async function signOut(ctx: Context, visit: Visit, form: FormParameters): Promise<void> {
    const { userId } = visit.session
    const id = idIn(form)
    const device = id === null ? null : await sessions.find(userId, id)
    if (device === null) return send(ctx, noDevicePage(visit.returnTo))
    if (device.id === visit.session.id) return signOutHere(ctx, visit)
    const confirmed = await confirm(ctx, visit, form, { action: 'sign_out', device })
    if (confirmed === null) return
    await sessions.revoke(userId, device.id, 'revoked_by_user', actorOf(ctx, visit))
    await goOn(ctx, confirmed, { done: 'signed_out', device: device.id })
  }

  async function signOutOthers(ctx: Context, visit: Visit, form: FormParameters): Promise<void> {
    const confirmed = await confirm(ctx, visit, form, { action: 'sign_out_others', device: null })
    if (confirmed === null) return
    await sessions.revokeAll(visit.session.userId, visit.session.id, 'revoked_by_user', actorOf(ctx, visit))
    await goOn(ctx, confirmed, { done: 'others', device: null })
  }

  async function signOutHere(ctx: Context, visit: Visit): Promise<void> {
    const { session } = visit
    await sessions.revoke(session.userId, session.id, 'signed_out', actorOf(ctx, visit))
    clearOwnCookie(ctx, deps, session)
    send(ctx, signedOutPage(signInHref(visit.returnTo, session)))
  }

  const actions = new Map<string, (ctx: Context, visit: Visit, form: FormParameters) => Promise<void>>([
    ['rename', rename],
    ['sign_out', signOut],
    ['sign_out_others', signOutOthers],
    ['sign_out_here', signOutHere],
  ])

  /** @returns null where the answer is a question, or that it was answered wrongly */
  async function confirm(ctx: Context, visit: Visit, form: FormParameters, wish: Wish): Promise<Visit | null> {
    if (hasProvenLately(visit)) return visit
    const { returnTo, session } = visit
    const { userId, id } = session
    const refusal = await tryToConfirm(ctx, userId, form)
    if (refusal !== null) {
      const proof = await proofOf(visit)
      send(ctx, confirmPage({ wish, proof, formToken: formTokens.make(id, null), returnTo, ...refusal }))
      return null
    }
    const reauthenticated = await sessions.reauthenticate(userId, id, 'pwd', clientAddressOf(ctx), ctx.headers)
    if (reauthenticated !== null) return { ...visit, confirmedAt: visit.now }
    goTo(ctx, signInHref(returnTo, session)) // ended meanwhile
    return null
  }

  /** @returns null when the password is right */
  async function tryToConfirm(ctx: Context, userId: string, form: FormParameters): Promise<PassingRefusal | null> {
    const words = texts.devices.confirm
    const password = form.get('password')
    if (password === undefined) {
      return form.has('confirm') ? { status: 400, words: [words.missing] } : { status: 200, words: [] }
    }
    try {
      if (await isOwnPassword(deps, userId, password)) return null
      return { status: 401, words: [words.wrong] }
    } catch (error) {
      return waitInWords(ctx, error)
    }
  }

  async function proofOf({ session, returnTo }: Visit): Promise<Proof> {
    const { userId, clientId } = session
    const [user, hasPassword] = await Promise.all([users.find(userId), users.hasPassword(userId)])
    const address = user?.email ?? null
    if (hasPassword) return { by: 'password', address }
    return address === null
      ? { by: 'application', address }
      : { by: 'mail', address, onwards: { returnTo: hereFor(returnTo), clientId: namedClient(clientId) } }
  }

  /** A confirmation lives in the page alone, and would be lost on the way; without one, a reload does nothing. */
  async function goOn(ctx: Context, visit: Visit, done: Done): Promise<void> {
    if (visit.confirmedAt !== null) return showDevices(ctx, visit, done)
    goTo(ctx, hrefTo(paths.devicesPage, { ...done, return_to: visit.returnTo }))
  }

  const actorOf = (ctx: Context, { session }: Visit): Actor => bySession(session, clientAddressOf(ctx))

  return { show: inWords(show), act: inWords(act) }
}

const hasProvenLately = ({ session, confirmedAt, now }: Visit): boolean =>
  [session.authenticatedAt, confirmedAt].some((at) => at !== null && isRecent(at, now))

/** What is no id names no device. */
function idIn(form: FormParameters): string | null {
  const id = form.get('id') ?? ''
  return isUuid(id) ? id : null
}
