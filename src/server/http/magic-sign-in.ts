import type { Context } from './context.ts'
import { noCookies } from './problems.ts'
import { signInByMagicLink, type SignInDependencies } from './sign-in.ts'
import { tokenJson } from './token-json.ts'

const BY_COOKIE = { device_name: null, transport: 'cookie', remember: true } as const

/** From the page behind a magic link: the session's cookie, and nothing in the body. @returns false for a link that is not good */
export const createMagicSignIn =
  (deps: SignInDependencies) =>
  async (ctx: Context, token: string): Promise<boolean> => {
    if (!deps.allowsCookies) throw noCookies()
    const started = await signInByMagicLink(ctx, deps, token, BY_COOKIE)
    if (started === null) return false
    const { session, tokens } = started
    ctx.state.sessionId = session.id
    ctx.state.userId = session.userId
    tokenJson(ctx, deps.cookie, session.transport, tokens)
    return true
  }
