/** Whether it is still the person who signed in: by that sign-in, or by the password once more, at this page. */
import type { ClientAddressOf } from '../http/client-address-of.ts'
import type { FormParameters } from '../http/body.ts'
import type { Context } from '../http/context.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { FormTokens } from '../tokens/form-token.ts'
import { confirmPage, type Wish } from './devices-steps.ts'
import type { SendPage } from './document.ts'
import { goTo } from './go-to.ts'
import { createProving, hasProvenLately, type ProvingDependencies } from './proving.ts'
import { texts } from './texts.ts'
import type { Visit, Visits } from './visit.ts'

/** @returns null where the answer is a question, or that it was answered wrongly */
export type Confirm = (ctx: Context, visit: Visit, form: FormParameters, wish: Wish) => Promise<Visit | null>

export interface ConfirmationDependencies extends ProvingDependencies {
  readonly sessions: Pick<Sessions, 'reauthenticate'>
  readonly formTokens: FormTokens
  readonly clientAddressOf: ClientAddressOf
}

export function createConfirm(
  deps: ConfirmationDependencies & { readonly visits: Visits; readonly send: SendPage },
): Confirm {
  const { sessions, formTokens, clientAddressOf, visits, send } = deps
  const proving = createProving(deps)

  async function confirm(ctx: Context, visit: Visit, form: FormParameters, wish: Wish): Promise<Visit | null> {
    const { returnTo, session, confirmedAt, now } = visit
    if (hasProvenLately(session, confirmedAt, now)) return visit
    const { userId, id } = session
    const refusal = await proving.byPassword(ctx, userId, form, texts.devices.confirm)
    if (refusal !== null) {
      const proof = await proving.wayFor(session, visits.hereFor(returnTo))
      send(ctx, confirmPage({ wish, proof, formToken: formTokens.make(id, null), returnTo, ...refusal }))
      return null
    }
    const reauthenticated = await sessions.reauthenticate(userId, id, 'pwd', clientAddressOf(ctx), ctx.headers)
    if (reauthenticated !== null) return { ...visit, confirmedAt: now }
    goTo(ctx, visits.signInHref(returnTo, session)) // ended meanwhile
    return null
  }

  return confirm
}
