/** Whether it is still the person who signed in: by that sign-in, or by the password once more, at this page. */
import type { ClientAddressOf } from '../http/client-address-of.ts'
import type { FormParameters } from '../http/body.ts'
import type { Context } from '../http/context.ts'
import { isRecent } from '../http/middleware/require-recent-authentication.ts'
import { isOwnPassword } from '../http/own-password.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { FormTokens } from '../tokens/form-token.ts'
import type { Users } from '../users/users.ts'
import { confirmPage, type Proof, type Wish } from './devices-steps.ts'
import type { SendPage } from './document.ts'
import { goTo } from './go-to.ts'
import { waitInWords, type PassingRefusal } from './in-words.ts'
import { namedClient } from './onwards.ts'
import { texts } from './texts.ts'
import type { Visit, Visits } from './visit.ts'

/** @returns null where the answer is a question, or that it was answered wrongly */
export type Confirm = (ctx: Context, visit: Visit, form: FormParameters, wish: Wish) => Promise<Visit | null>

export interface ConfirmationDependencies {
  readonly sessions: Pick<Sessions, 'reauthenticate'>
  readonly users: Pick<Users, 'checkPassword' | 'find' | 'hasPassword'>
  readonly rateLimits: Pick<RateLimits, 'beforePasswordCheck'>
  readonly formTokens: FormTokens
  readonly clientAddressOf: ClientAddressOf
}

export function createConfirm(
  deps: ConfirmationDependencies & { readonly visits: Visits; readonly send: SendPage },
): Confirm {
  const { sessions, users, formTokens, clientAddressOf, visits, send } = deps

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
    goTo(ctx, visits.signInHref(returnTo, session)) // ended meanwhile
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
      : { by: 'mail', address, onwards: { returnTo: visits.hereFor(returnTo), clientId: namedClient(clientId) } }
  }

  return confirm
}

const hasProvenLately = ({ session, confirmedAt, now }: Visit): boolean =>
  [session.authenticatedAt, confirmedAt].some((at) => at !== null && isRecent(at, now))
