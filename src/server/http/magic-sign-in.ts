import { Problem } from '../errors.ts'
import type { Context } from './context.ts'
import { noCookies } from './problems.ts'
import { signInByMagicLink, type SignInDependencies } from './sign-in.ts'
import { tokenJson } from './token-json.ts'

/** From the page behind a magic link: the session's cookie, and nothing in the body. @returns false for a link that is not good */
export const createMagicSignIn =
  (deps: SignInDependencies) =>
  async (ctx: Context, token: string): Promise<boolean> => {
    if (!deps.allowsCookies) throw noCookies()
    try {
      const options = { device_name: null, transport: 'cookie', remember: true } as const
      const { session, tokens } = await signInByMagicLink(ctx, deps, token, options)
      ctx.state.sessionId = session.id
      ctx.state.userId = session.userId
      tokenJson(ctx, deps.cookie, session.transport, tokens)
      return true
    } catch (error) {
      if (error instanceof Problem && error.code === 'invalid_token') return false
      throw error
    }
  }
