/** `/devices`: a person looks at where they are signed in, and ends what should not be. */
import { validate as isUuid } from 'uuid'
import { paths } from '../../protocol/paths.ts'
import { Problem } from '../errors.ts'
import type { History } from '../events/history.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { FormParameters } from '../http/body.ts'
import type { Context, Handler } from '../http/context.ts'
import type { ReadCookieSession } from '../http/cookie-session.ts'
import type { SessionCookie } from '../http/cookie.ts'
import { clearOwnCookie } from '../http/own-cookie.ts'
import type { Locate } from '../location/location.ts'
import { bySession, type Actor } from '../sessions/actor.ts'
import { ControlRefused } from '../sessions/control-refused.ts'
import { displayText } from '../sessions/display-text.ts'
import { findNovelties } from '../sessions/novelty.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { createConfirm, type ConfirmationDependencies } from './confirmation.ts'
import { doneIn, wordsOn, type Done } from './devices-done.ts'
import { cannotUndoPage, noDevicePage, signedOutPage, stalePage } from './devices-steps.ts'
import { devicesPage } from './devices-views.ts'
import { createSendPage, type Look } from './document.ts'
import { hrefTo } from './elements.ts'
import { goTo } from './go-to.ts'
import { toHistoryView } from './history.ts'
import { createInWords } from './in-words.ts'
import { readPageForm } from './page-form.ts'
import { readReturnTo } from './return-to.ts'
import { createVisits, type Visit } from './visit.ts'

/** Events of the history below the list. */
const NEWEST = 10

interface DevicesPageDependencies extends Look, ConfirmationDependencies {
  readonly issuer: string
  readonly allowedOrigins: AllowedOrigins
  readonly cookie: SessionCookie
  readonly sessions: Sessions
  readonly history: Pick<History, 'ofUser'>
  readonly locate: Locate
  readonly readCookieSession: ReadCookieSession
}

export function createDevicesPage(deps: DevicesPageDependencies): { show: Handler; act: Handler } {
  const { issuer, allowedOrigins, sessions, users, history, locate, formTokens, clientAddressOf } = deps
  const send = createSendPage(deps)
  const inWords = createInWords(send)
  const visits = createVisits({ ...deps, send }, paths.devicesPage)
  const confirm = createConfirm({ ...deps, visits, send })

  async function show(ctx: Context): Promise<void> {
    const visit = await visits.begin(ctx)
    if (visit !== null) await showDevices(ctx, visit, doneIn(ctx))
  }

  async function showDevices(ctx: Context, visit: Visit, done: Done | null): Promise<void> {
    const { session, now, confirmedAt, returnTo } = visit
    const [user, live, all, undoable, newest] = await Promise.all([
      users.find(session.userId),
      sessions.list(session.userId, 'active'),
      sessions.list(session.userId, 'all'),
      sessions.listUndoable(session.userId),
      history.ofUser(session.userId, { limit: NEWEST, cursor: null }),
    ])
    send(
      ctx,
      devicesPage({
        address: user?.email ?? null,
        current: session,
        others: live.filter(({ id }) => id !== session.id),
        novelties: findNovelties(all, now),
        undoable,
        history: toHistoryView(newest, visit, locate),
        now,
        formToken: formTokens.make(session.id, confirmedAt),
        done: done && wordsOn(done, all, session),
        signInHref: visits.signInHref(returnTo, session),
        back: returnTo === null ? null : { returnTo, host: new URL(returnTo, issuer).host },
      }),
    )
  }

  async function act(ctx: Context): Promise<void> {
    const form = await readPageForm(ctx)
    const returnTo = readReturnTo(form.get('return_to'), allowedOrigins)
    const visit = await visits.read(ctx, returnTo)
    if (visit === null) return goTo(ctx, visits.signInHref(returnTo))
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

  async function undo(ctx: Context, visit: Visit, form: FormParameters): Promise<void> {
    const { userId } = visit.session
    const id = idIn(form)
    const device = id === null ? null : await sessions.find(userId, id)
    if (device === null) return send(ctx, noDevicePage(visit.returnTo))
    const confirmed = await confirm(ctx, visit, form, { action: 'undo', device })
    if (confirmed === null) return
    try {
      await sessions.undo(userId, device.id, actorOf(ctx, visit))
    } catch (error) {
      if (!(error instanceof ControlRefused)) throw error
      return send(ctx, cannotUndoPage(error.reason, visit.returnTo))
    }
    await goOn(ctx, confirmed, { done: 'undone', device: device.id })
  }

  async function signOutHere(ctx: Context, visit: Visit): Promise<void> {
    const { session } = visit
    await sessions.revoke(session.userId, session.id, 'signed_out', actorOf(ctx, visit))
    clearOwnCookie(ctx, deps, session)
    send(ctx, signedOutPage(visits.signInHref(visit.returnTo, session)))
  }

  const actions = new Map<string, (ctx: Context, visit: Visit, form: FormParameters) => Promise<void>>([
    ['rename', rename],
    ['sign_out', signOut],
    ['sign_out_others', signOutOthers],
    ['sign_out_here', signOutHere],
    ['undo', undo],
  ])

  /** A confirmation lives in the page alone, and would be lost on the way; without one, a reload does nothing. */
  async function goOn(ctx: Context, visit: Visit, done: Done): Promise<void> {
    if (visit.confirmedAt !== null) return showDevices(ctx, visit, done)
    goTo(ctx, hrefTo(paths.devicesPage, { ...done, return_to: visit.returnTo }))
  }

  const actorOf = (ctx: Context, { session }: Visit): Actor => bySession(session, clientAddressOf(ctx))

  return { show: inWords(show), act: inWords(act) }
}

/** What is no id names no device. */
function idIn(form: FormParameters): string | null {
  const id = form.get('id') ?? ''
  return isUuid(id) ? id : null
}
