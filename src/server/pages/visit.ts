/** Somebody who is signed in, at a page of their own account; whoever is not signs in first, and comes back. */
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { Context } from '../http/context.ts'
import type { ReadCookieSession } from '../http/cookie-session.ts'
import type { Session } from '../sessions/session.ts'
import { paths } from '../../protocol/paths.ts'
import type { SendPage } from './document.ts'
import { hrefTo } from './elements.ts'
import { goTo } from './go-to.ts'
import { inQuery } from './in-query.ts'
import { namedClient } from './onwards.ts'
import { mayHideCookie, reloadPage } from './reload.ts'
import { readReturnTo } from './return-to.ts'

export interface Visit {
  readonly session: Session
  /** The database's clock. */
  readonly now: Date
  /** When the password was given at this page, which then carries it from form to form. */
  readonly confirmedAt: Date | null
  /** Where the person came from, and can go back to. */
  readonly returnTo: string | null
}

export interface Visits {
  /** @returns null where nobody is signed in */
  read(ctx: Context, returnTo: string | null): Promise<Visit | null>
  /**
   * For a page that is opened. It is asked for once more where the cookie may only be hidden.
   * @returns null where nobody is signed in: that is answered
   */
  begin(ctx: Context): Promise<Visit | null>
  /** From there people come back. @param session whose application has to get the next one too */
  signInHref(returnTo: string | null, session?: Session): string
  /** The page, for whoever is sent back to it from elsewhere. */
  hereFor(returnTo: string | null): string
}

interface VisitsDependencies {
  readonly issuer: string
  readonly allowedOrigins: AllowedOrigins
  readonly readCookieSession: ReadCookieSession
  readonly send: SendPage
}

/** @param page its path */
export function createVisits(deps: VisitsDependencies, page: string): Visits {
  const { issuer, allowedOrigins, readCookieSession, send } = deps
  // An absolute path for whoever is sent back from the sign-in page, with what a proxy has put before it.
  const path = new URL(issuer).pathname.replace(/\/$/, '') + page
  const hereFor = (returnTo: string | null): string =>
    returnTo === null ? path : `${path}?${new URLSearchParams({ return_to: returnTo }).toString()}`

  const signInHref = (returnTo: string | null, session?: Session): string =>
    hrefTo(paths.signInPage, {
      return_to: hereFor(returnTo),
      client_id: session ? namedClient(session.clientId) : null,
    })

  async function read(ctx: Context, returnTo: string | null): Promise<Visit | null> {
    const presented = await readCookieSession(ctx)
    if (presented === null) return null
    const { session, now } = presented
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    return { session, now, confirmedAt: null, returnTo }
  }

  async function begin(ctx: Context): Promise<Visit | null> {
    const returnTo = readReturnTo(inQuery(ctx, 'return_to'), allowedOrigins)
    const visit = await read(ctx, returnTo)
    if (visit !== null) return visit
    if (mayHideCookie(ctx)) send(ctx, reloadPage(page, { return_to: returnTo }))
    else goTo(ctx, signInHref(returnTo))
    return null
  }

  return { read, begin, signInHref, hereFor }
}
