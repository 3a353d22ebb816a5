/**
 * Who passes: somebody who is signed in by the cookie, has the role `admin` now, and proved who they are in the
 * last ten minutes, also for reading. For everybody else who is signed in there is no such page.
 */
import { Problem } from '../../errors.ts'
import { paths } from '../../../protocol/paths.ts'
import type { ClientAddressOf } from '../../http/client-address-of.ts'
import type { Context, Handler } from '../../http/context.ts'
import type { ReadCookieSession } from '../../http/cookie-session.ts'
import { isRecent } from '../../http/middleware/require-recent-authentication.ts'
import type { Session } from '../../sessions/session.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { FormTokens } from '../../tokens/form-token.ts'
import type { Users } from '../../users/users.ts'
import { createSendPage, type Look } from '../document.ts'
import { goTo } from '../go-to.ts'
import { createInWords } from '../in-words.ts'
import { namedClient } from '../onwards.ts'
import { readPageForm } from '../page-form.ts'
import { createProving, hasProvenLately, type ProvingDependencies } from '../proving.ts'
import { mayHideCookie, reloadPage } from '../reload.ts'
import { confirmPage, questionPage, stalePage } from './steps.ts'
import { ADMIN_STYLE } from './style.ts'
import { words } from './texts.ts'
import { hrefFrom, type AdminPage, type Outcome, type Visit, type Wanted } from './visit.ts'

export interface GateDependencies extends Look, ProvingDependencies {
  readonly issuer: string
  readonly sessions: Pick<Sessions, 'reauthenticate'>
  readonly users: ProvingDependencies['users'] & Pick<Users, 'roleOf'>
  readonly formTokens: FormTokens
  readonly readCookieSession: ReadCookieSession
  readonly clientAddressOf: ClientAddressOf
}

export interface PageHandlers {
  readonly show: Handler
  readonly act: Handler
}

/** What of the address and the form stays when somebody has to sign in first. */
const KEPT = ['user', 'id']
/** What only the way through the gate is about. */
const OWN_FIELDS = new Set(['form_token', 'password', 'confirm', 'reloaded'])

export function createGate(deps: GateDependencies): (page: AdminPage) => PageHandlers {
  const { issuer, sessions, users, formTokens, clientAddressOf, readCookieSession } = deps
  const { origin, pathname } = new URL(issuer)
  const proving = createProving(deps)
  const send = createSendPage({ ...deps, theme: { ...deps.theme, style: ADMIN_STYLE + deps.theme.style } })
  const inWords = createInWords(send)

  async function enter(ctx: Context, page: AdminPage, wanted: Wanted): Promise<void> {
    demandOwnPage(ctx, origin)
    const presented = await readCookieSession(ctx)
    if (presented === null) return askToSignIn(ctx, page, wanted, null)
    const { session, now } = presented
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    // Not answered, it is answered as an address where nothing is.
    if ((await users.roleOf(session.userId)) !== 'admin') return

    const carried = formTokens.read(wanted.get('form_token'), session.id)
    if (ctx.method === 'POST' && carried === null) return send(ctx, stalePage(rootOf(page), page.path))
    const confirmedAt = carried?.confirmedAt ?? null
    const visit = visitOf(ctx, page, presented, confirmedAt)
    const isProven = hasProvenLately(session, confirmedAt, now)
    const shown = isProven ? visit : await confirm(ctx, page, visit, wanted)
    if (shown !== null) await serve(ctx, page, shown, wanted)
  }

  const visitOf = (
    ctx: Context,
    page: AdminPage,
    { session, now }: Pick<Visit, 'session' | 'now'>,
    confirmedAt: Date | null,
  ): Visit => ({
    session,
    now,
    actor: { kind: 'admin', id: session.userId, sessionId: session.id, ip: clientAddressOf(ctx) },
    formToken: formTokens.make(session.id, confirmedAt),
    isCarried: !isRecent(session.authenticatedAt, now),
    root: rootOf(page),
  })

  async function serve(ctx: Context, page: AdminPage, visit: Visit, wanted: Wanted): Promise<void> {
    const name = ctx.method === 'POST' ? wanted.get('action') : undefined
    if (name === undefined) return send(ctx, await page.show(visit, wanted, null))
    const action = Object.hasOwn(page.actions, name) ? page.actions[name] : undefined
    if (action === undefined) throw new Problem(400, 'invalid_request', 'There is no such action.')
    const asked = wanted.get('sure') === 'yes' ? null : ((await action.ask?.(visit, wanted)) ?? null)
    if (asked !== null && 'button' in asked) return send(ctx, questionPage(visit, page.path, fieldsIn(wanted), asked))
    const outcome: Outcome = asked ?? (await action.act(visit, wanted))
    send(ctx, await page.show(visit, wanted, outcome))
  }

  /** @returns null where the answer is a question, or that it was answered wrongly */
  async function confirm(ctx: Context, page: AdminPage, visit: Visit, wanted: Wanted): Promise<Visit | null> {
    const { session, now } = visit
    const { userId, id } = session
    const refusal = await proving.byPassword(ctx, userId, wanted, words.confirm)
    if (refusal !== null) {
      const proof = await proving.wayFor(session, hereFor(page, wanted))
      send(ctx, confirmPage(visit, page.path, { fields: fieldsIn(wanted), proof, ...refusal }))
      return null
    }
    if ((await sessions.reauthenticate(userId, id, 'pwd', clientAddressOf(ctx), ctx.headers)) === null) {
      askToSignIn(ctx, page, wanted, session) // ended meanwhile
      return null
    }
    return visitOf(ctx, page, visit, now)
  }

  function askToSignIn(ctx: Context, page: AdminPage, wanted: Wanted, session: Session | null): void {
    const root = rootOf(page)
    if (session === null && ctx.method !== 'POST' && mayHideCookie(ctx)) {
      return send(ctx, reloadPage(`/${hrefFrom({ root }, page.path)}`, keptOf(wanted)))
    }
    const clientId = session && namedClient(session.clientId)
    goTo(ctx, hrefFrom({ root }, paths.signInPage, { return_to: hereFor(page, wanted), client_id: clientId }))
  }

  /** An absolute path for whoever is sent back from the sign-in page, with what a proxy has put before it. */
  function hereFor(page: AdminPage, wanted: Wanted): string {
    const query = new URLSearchParams(keptOf(wanted)).toString()
    return pathname.replace(/\/$/, '') + page.path + (query && `?${query}`)
  }

  return (page) => ({
    show: inWords((ctx) => enter(ctx, page, readQuery(ctx))),
    act: inWords(async (ctx) => enter(ctx, page, await readPageForm(ctx))),
  })
}

const rootOf = ({ path }: AdminPage): Visit['root'] => (path === paths.adminPage ? '' : '../')

/**
 * Applications whose origin is allowed may read with the cookie elsewhere: whoever has put a script into one of them
 * would administer. So not even they do here, but links from anywhere lead here.
 * @throws {Problem} 403 `origin_not_allowed`
 */
function demandOwnPage(ctx: Context, issuer: string): void {
  const origin = ctx.get('origin')
  const isOurs = origin === issuer || ctx.get('sec-fetch-site') === 'same-origin'
  if (isOurs || (origin === '' && ctx.method !== 'POST')) return
  throw new Problem(403, 'origin_not_allowed', 'This page is taken from this service only.')
}

/** A repeated parameter is none, as nobody can tell which was meant; nor is what no text of the database can hold. */
const readQuery = (ctx: Context): Wanted =>
  new Map(
    Object.entries(ctx.query).filter(
      (each): each is [string, string] => typeof each[1] === 'string' && each[1] !== '' && !each[1].includes('\0'),
    ),
  )

const fieldsIn = (wanted: Wanted): Record<string, string> =>
  Object.fromEntries([...wanted].filter(([name]) => !OWN_FIELDS.has(name)))

const keptOf = (wanted: Wanted): Record<string, string> =>
  Object.fromEntries([...wanted].filter(([name]) => KEPT.includes(name)))
