/** What an application adds to each new session: asked when it is known who signs in, before they are in. */
import type { Logger } from 'pino'
import { nameOf, Unavailable } from '../errors.ts'
import { faultIn, type JsonObject, type SessionContent } from './data.ts'
import type { Device } from './device.ts'

/** Somebody who has shown who they are, and is about to have a session. */
export interface SigningIn {
  readonly userId: string
  /** What another application calls them, where that one signs them in. */
  readonly subject?: string
  readonly clientId: string
  /** How they showed it (RFC 8176). */
  readonly amr: readonly string[]
  readonly device: Device
  readonly ip: string | null
}

/** `data` is kept with the session, `claims` go into its access tokens; with the limits of a session made in code. */
export interface SignInAdditions {
  readonly data?: JsonObject
  readonly claims?: JsonObject
}

/** Nobody signs in while it throws: they are answered 503. */
export type OnSignIn = (who: SigningIn) => Promise<SignInAdditions | void> | SignInAdditions | void

/** @throws {Unavailable} it could not say, or said what no session can have; nothing was decided */
export type AskHook = (who: SigningIn, dataClaims: readonly string[]) => Promise<SessionContent>

const NOTHING: SessionContent = { claims: {}, data: {} }

export const createAskHook =
  ({ onSignIn, log }: { onSignIn?: OnSignIn | undefined; log: Logger }): AskHook =>
  async (who, dataClaims) => {
    if (onSignIn === undefined) return NOTHING
    const { userId, subject, clientId, amr, device, ip } = who
    const told = { userId, clientId, amr, device, ip, ...(subject === undefined ? {} : { subject }) }
    const additions = await ask(onSignIn, told, log)
    const fault = faultIn(additions, dataClaims)
    if (fault === null) return additions
    log.error({ event: 'sign_in_hook_refused', ...fault }, 'onSignIn gave what no session can have')
    throw new Unavailable('onSignIn gave what no session can have')
  }

async function ask(onSignIn: OnSignIn, who: SigningIn, log: Logger): Promise<SessionContent> {
  try {
    return { ...NOTHING, ...(await onSignIn(who)) }
  } catch (cause) {
    log.error({ event: 'sign_in_hook_failed', failure: nameOf(cause) }, 'onSignIn failed')
    throw new Unavailable('onSignIn failed', { cause })
  }
}
