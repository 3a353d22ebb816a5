/**
 * The pages behind links in mails. To open one changes nothing, since programs that look for viruses
 * open links too: only its button acts.
 */
import type { EmailFlow } from '../emails/flow.ts'
import type { Emails } from '../emails/emails.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { FormParameters } from '../http/body.ts'
import type { ClientAddressOf } from '../http/client-address-of.ts'
import type { Context, Handler } from '../http/context.ts'
import type { ReadCookieSession } from '../http/cookie-session.ts'
import { languageOf } from '../http/language.ts'
import type { PageSignIn } from '../http/page-sign-in.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import { ACCEPT_CH } from '../sessions/device.ts'
import type { Users } from '../users/users.ts'
import { createSendPage, type Look } from './document.ts'
import {
  askPage,
  deadLinkPage,
  donePage,
  isForAnybody,
  noLinkPage,
  sentPage,
  usePage,
  type FlowForAnybody,
} from './flow-views.ts'
import { inQuery } from './in-query.ts'
import { createInWords } from './in-words.ts'
import type { Onwards, ReadOnwards } from './onwards.ts'
import { demandOwnForm } from './own-form.ts'
import { readPageForm } from './page-form.ts'
import { chosenSession, limitIn, limitPage } from './session-limit.ts'
import { noCookiesPage } from './sign-in-views.ts'

export interface PageDependencies extends Look {
  readonly issuer: string
  readonly allowedOrigins: AllowedOrigins
  readonly allowsCookies: boolean
  readonly emails: Pick<Emails, 'ask' | 'inspect' | 'use'>
  readonly rateLimits: Pick<RateLimits, 'beforeMail' | 'beforeEmailToken'>
  readonly clientAddressOf: ClientAddressOf
  readonly users: Pick<Users, 'find'>
  readonly readCookieSession: ReadCookieSession
  readonly readOnwards: ReadOnwards
  readonly signInByMagicLink: PageSignIn['byMagicLink']
}

export interface Pages {
  /** GET of a flow's page: with `token` what the link would do, without one how to get a link. */
  show(flow: EmailFlow): Handler
  /** POST to it: with `token` does it, with `email` asks for a link. */
  act(flow: EmailFlow): Handler
}

export function createPages(deps: PageDependencies): Pages {
  const { issuer, allowedOrigins, allowsCookies, emails, rateLimits, clientAddressOf, signInByMagicLink } = deps
  const { users, readCookieSession, readOnwards } = deps
  const send = createSendPage(deps)
  const inWords = createInWords(send)

  async function show(ctx: Context, flow: EmailFlow): Promise<void> {
    const token = inQuery(ctx, 'token')
    if (token !== undefined) return showLink(ctx, flow, token, inQuery(ctx, 'return_to'))
    if (!isForAnybody(flow)) return send(ctx, noLinkPage(flow, issuer))
    const onwards = await onwardsOf(flow, (name) => inQuery(ctx, name), null)
    send(ctx, askPage(flow, onwards, { address: await ownAddress(ctx) }))
  }

  /** Who is signed in need not enter it. */
  async function ownAddress(ctx: Context): Promise<string> {
    const signedIn = await readCookieSession(ctx)
    const user = signedIn && (await users.find(signedIn.session.userId))
    return user?.email ?? ''
  }

  async function showLink(
    ctx: Context,
    flow: EmailFlow,
    token: string,
    returnTo?: string,
    faults?: Parameters<typeof usePage>[2],
  ): Promise<void> {
    // The form that signs in is to say as much about the device as any other sign-in.
    if (flow.purpose === 'magic_link') ctx.set('Accept-CH', ACCEPT_CH)
    const found = await emails.inspect(flow.purpose, token)
    if (found === null) return send(ctx, deadLinkPage(flow))
    send(ctx, usePage(flow, { ...found, token, returnTo: await returnToOf(flow, found.clientId, returnTo) }, faults))
  }

  async function act(ctx: Context, flow: EmailFlow): Promise<void> {
    const form = await readPageForm(ctx)
    const token = form.get('token')
    if (token !== undefined) return useLink(ctx, flow, token, form)
    if (isForAnybody(flow)) return askForLink(ctx, flow, form)
    send(ctx, { ...noLinkPage(flow, issuer), status: 400 })
  }

  async function askForLink(ctx: Context, flow: FlowForAnybody, form: FormParameters): Promise<void> {
    demandOwnForm(ctx, allowedOrigins)
    const address = form.get('email') ?? ''
    const onwards = await onwardsOf(flow, (name) => form.get(name), null)
    await rateLimits.beforeMail(flow.purpose, address, clientAddressOf(ctx))
    const isAddress = await emails.ask({ purpose: flow.purpose, address, ...onwards, locale: languageOf(ctx) })
    send(ctx, isAddress ? sentPage(flow) : askPage(flow, onwards, { address, isRefused: true }))
  }

  async function useLink(ctx: Context, flow: EmailFlow, token: string, form: FormParameters): Promise<void> {
    if (flow.purpose === 'magic_link') return signIn(ctx, flow, token, form)
    const ip = clientAddressOf(ctx)
    await rateLimits.beforeEmailToken(ip)
    const password = flow.takesPassword ? (form.get('password') ?? '') : null
    const used = await emails.use(flow.purpose, token, { password, ip })
    if (used.kind === 'weak_password') return showLink(ctx, flow, token, undefined, used.faults)
    send(ctx, used.kind === 'done' ? donePage(flow) : deadLinkPage(flow))
  }

  async function signIn(ctx: Context, flow: EmailFlow, token: string, form: FormParameters): Promise<void> {
    demandOwnForm(ctx, allowedOrigins)
    if (!allowsCookies) return send(ctx, noCookiesPage())
    const clientId = (await emails.inspect(flow.purpose, token))?.clientId ?? null
    const returnTo = await returnToOf(flow, clientId, form.get('return_to') ?? inQuery(ctx, 'return_to'))
    try {
      if (!(await signInByMagicLink(ctx, token, chosenSession(form)))) return send(ctx, deadLinkPage(flow))
    } catch (error) {
      const limit = limitIn(ctx, error)
      return send(ctx, limitPage({ limit, action: flow.page, returnTo, proof: { by: 'magic_link', token } }))
    }
    send(ctx, donePage(flow))
    if (returnTo === null) return
    ctx.status = 303
    ctx.set('Location', returnTo)
  }

  /** Only signing in leads on. */
  const onwardsOf: (flow: EmailFlow, ...wanted: Parameters<ReadOnwards>) => Promise<Onwards> = (flow, ...wanted) =>
    flow.purpose === 'magic_link' ? readOnwards(...wanted) : Promise.resolve({ returnTo: null, clientId: null })

  /** @param clientId of the link: the application that asked for it */
  async function returnToOf(
    flow: EmailFlow,
    clientId: string | null,
    wanted: string | undefined,
  ): Promise<string | null> {
    const inLink = { return_to: wanted, client_id: clientId ?? undefined }
    return (await onwardsOf(flow, (name) => inLink[name], 'cookie')).returnTo
  }

  return {
    show: (flow) => inWords((ctx) => show(ctx, flow)),
    act: (flow) => inWords((ctx) => act(ctx, flow)),
  }
}
