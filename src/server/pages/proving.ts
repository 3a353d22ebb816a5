/** A person proves at a page that it is still them: by their sign-in a moment ago, or by the password once more. */
import type { FormParameters } from '../http/body.ts'
import type { Context } from '../http/context.ts'
import { isRecent } from '../http/middleware/require-recent-authentication.ts'
import { isOwnPassword } from '../http/own-password.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Session } from '../sessions/session.ts'
import type { Users } from '../users/users.ts'
import { waitInWords, type PassingRefusal } from './in-words.ts'
import { namedClient, type Onwards } from './onwards.ts'

/** What somebody can prove it by who signed in too long ago. */
export type Proof =
  | { readonly by: 'password'; readonly address: string | null }
  /** A link in a mail, which signs in anew; then they come back. */
  | { readonly by: 'mail'; readonly address: string; readonly onwards: Onwards }
  /** They sign in at another application, which has to bring the proof. */
  | { readonly by: 'application'; readonly address: null }

export interface Proving {
  /**
   * By the form that has been sent.
   * @param faults what is said of no password, and of a wrong one
   * @returns null when it is right; else what to answer, without words where it was not asked for yet
   */
  byPassword(
    ctx: Context,
    userId: string,
    form: FormParameters,
    faults: { readonly missing: string; readonly wrong: string },
  ): Promise<PassingRefusal | null>
  /** @param here an absolute path, for whoever is sent back from elsewhere */
  wayFor(session: Session, here: string): Promise<Proof>
}

export interface ProvingDependencies {
  readonly users: Pick<Users, 'checkPassword' | 'find' | 'hasPassword'>
  readonly rateLimits: Pick<RateLimits, 'beforePasswordCheck'>
}

export function createProving(deps: ProvingDependencies): Proving {
  const { users } = deps
  return {
    async byPassword(ctx, userId, form, faults) {
      const password = ctx.method === 'POST' ? form.get('password') : undefined
      if (password === undefined) {
        return form.has('confirm') ? { status: 400, words: [faults.missing] } : { status: 200, words: [] }
      }
      try {
        return (await isOwnPassword(deps, userId, password)) ? null : { status: 401, words: [faults.wrong] }
      } catch (error) {
        return waitInWords(ctx, error)
      }
    },
    async wayFor({ userId, clientId }, here) {
      const [user, hasPassword] = await Promise.all([users.find(userId), users.hasPassword(userId)])
      const address = user?.email ?? null
      if (hasPassword) return { by: 'password', address }
      return address === null
        ? { by: 'application', address }
        : { by: 'mail', address, onwards: { returnTo: here, clientId: namedClient(clientId) } }
    },
  }
}

/** @param confirmedAt when they proved it at this page, which carries that from form to form */
export const hasProvenLately = ({ authenticatedAt }: Session, confirmedAt: Date | null, now: Date): boolean =>
  [authenticatedAt, confirmedAt].some((at) => at !== null && isRecent(at, now))
