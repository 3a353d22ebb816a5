/** `/sign-up`: an account for an address, and one answer whether or not it has one. */
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { ClientAddressOf } from '../http/client-address-of.ts'
import type { Context, Handler } from '../http/context.ts'
import { languageOf } from '../http/language.ts'
import type { RateLimits } from '../rate-limits/rate-limits.ts'
import { ACCEPT_CH } from '../sessions/device.ts'
import type { Users } from '../users/users.ts'
import { createSendPage, type Look } from './document.ts'
import { inQuery } from './in-query.ts'
import { createInWords, waitInWords } from './in-words.ts'
import type { ReadOnwards } from './onwards.ts'
import { demandOwnForm } from './own-form.ts'
import { readPageForm } from './page-form.ts'
import { signedUpPage, signUpPage, type SignUpFaults } from './sign-up-views.ts'
import { texts } from './texts.ts'

export interface SignUpPage {
  show: Handler
  act: Handler
}

export function createSignUpPage(
  deps: Look & {
    readonly allowedOrigins: AllowedOrigins
    readonly unconfirmedSignIn: 'allow' | 'refuse'
    readonly users: Pick<Users, 'register'>
    readonly rateLimits: Pick<RateLimits, 'beforeRegistration'>
    readonly clientAddressOf: ClientAddressOf
    readonly readOnwards: ReadOnwards
  },
): SignUpPage {
  const { allowedOrigins, unconfirmedSignIn, users, rateLimits, clientAddressOf, readOnwards } = deps
  const send = createSendPage(deps)
  const inWords = createInWords(send)

  async function show(ctx: Context): Promise<void> {
    ctx.set('Accept-CH', ACCEPT_CH)
    const onwards = await readOnwards((name) => inQuery(ctx, name), null)
    send(ctx, signUpPage({ onwards, email: '' }))
  }

  async function act(ctx: Context): Promise<void> {
    demandOwnForm(ctx, allowedOrigins)
    const form = await readPageForm(ctx)
    const email = form.get('email') ?? ''
    const onwards = await readOnwards((name) => form.get(name), null)
    const faults = await tryToRegister(ctx, email, form.get('password') ?? '')
    if (faults !== null) return send(ctx, signUpPage({ onwards, email, faults }))
    send(ctx, signedUpPage({ onwards, email, maySignIn: unconfirmedSignIn === 'allow' }))
  }

  /** @returns null when it worked, or when the address has an account: the mail tells its owner which it was */
  async function tryToRegister(ctx: Context, email: string, password: string): Promise<SignUpFaults | null> {
    try {
      await rateLimits.beforeRegistration(clientAddressOf(ctx))
      const registration = await users.register(email, password, languageOf(ctx))
      if (registration.kind === 'accepted') return null
      if (registration.kind === 'invalid_address') return { status: 400, ofAddress: [texts.noAddress] }
      return { status: 400, ofPassword: registration.faults.map(({ message }) => message) }
    } catch (error) {
      const { status, words } = waitInWords(ctx, error)
      return { status, ofPassword: words }
    }
  }

  return { show: inWords(show), act: inWords(act) }
}
