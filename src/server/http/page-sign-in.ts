/** Signing in on our own pages: the session's cookie, and nothing in the body. */
import type { StartedSession } from '../sessions/sessions.ts'
import type { Context } from './context.ts'
import { noCookies } from './problems.ts'
import { signInByMagicLink, signInByPassword, type SignInDependencies } from './sign-in.ts'
import { tokenJson } from './token-json.ts'

export interface Credentials {
  readonly email: string
  readonly password: string
  /** False: for as long as the browser is open. */
  readonly remember: boolean
  /** The application; null for the default one. */
  readonly clientId: string | null
  readonly endSessionId: string | null
}

/**
 * Each counts the attempt, sets the cookie, and leaves the rest of the answer to the page; each throws
 * `SessionLimitReached` where the person is signed in on as many devices as the client allows.
 */
export interface PageSignIn {
  /** @returns false when they are wrong, or the account cannot sign in */
  readonly byPassword: (ctx: Context, credentials: Credentials) => Promise<boolean>
  /** @returns false for a link that is not good */
  readonly byMagicLink: (ctx: Context, token: string, endSessionId: string | null) => Promise<boolean>
}

const BY_COOKIE = { device_name: null, transport: 'cookie', remember: true } as const

export function createPageSignIn(deps: SignInDependencies): PageSignIn {
  const { allowsCookies, cookie } = deps

  async function answer(ctx: Context, start: () => Promise<StartedSession | null>): Promise<boolean> {
    if (!allowsCookies) throw noCookies()
    const started = await start()
    if (started === null) return false
    const { session, tokens } = started
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    tokenJson(ctx, cookie, session.transport, tokens)
    return true
  }

  return {
    byPassword: (ctx, { email, password, remember, clientId, endSessionId }) =>
      answer(ctx, () =>
        signInByPassword(ctx, deps, email, password, {
          ...BY_COOKIE,
          remember,
          client_id: clientId ?? undefined,
          end_session_id: endSessionId ?? undefined,
        }),
      ),
    byMagicLink: (ctx, token, endSessionId) =>
      answer(ctx, () =>
        signInByMagicLink(ctx, deps, token, { ...BY_COOKIE, end_session_id: endSessionId ?? undefined }),
      ),
  }
}
