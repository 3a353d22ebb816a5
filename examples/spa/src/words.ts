/** Everything that has a code, in words. Copy this file, and say it the way you would. */
import { HallpassError } from 'hallpass/client'

/** Why this device is signed out: the reasons of docs/refresh.md. */
const ENDED: Readonly<Record<string, string>> = {
  signed_out: 'You are signed out.',
  revoked_by_user: 'This device was signed out from another device.',
  revoked_by_admin: 'This device was signed out by those who run this service.',
  password_changed: 'Your password was changed on another device, which signs out all others.',
  password_reset: 'A new password was set, which signs out every device.',
  email_changed: 'The address of your account was changed, which signs out your devices.',
  account_disabled: 'Your account was disabled by those who run this service.',
  account_deleted: 'Your account was deleted.',
  token_reuse:
    'Somebody may have copied what keeps this device signed in, so it works no more. If you cannot explain it, choose a new password.',
  not_me: 'Somebody with access to your mail said that this device is not yours.',
  session_limit: 'Too many devices were signed in, and this one had not been used for the longest time.',
  replaced: 'Somebody signed in anew in this browser. It may have been you, in another tab.',
  expired_idle: 'You were away for a long time. Sign in again.',
  expired_absolute: 'You were signed in for a long time. Sign in again.',
}

/** @returns null where nobody was signed in before: there is nothing to explain */
export const whySignedOut = (reason: string | null): string | null =>
  reason === null ? null : (ENDED[reason] ?? 'Please sign in again.')

/** Why it cannot be said whether somebody is signed in. */
export const whyUnknown = (because: string): string =>
  because === 'starting'
    ? 'Checking…'
    : because === 'unavailable'
      ? 'You seem to be offline. Trying again…'
      : 'The service cannot answer now. Trying again…'

const FAULTS: Readonly<Record<string, string>> = {
  invalid_credentials: 'The address or the password is wrong.',
  rate_limited: 'That was tried too often.',
  temporarily_unavailable: 'The service has too much to do at the moment.',
  unavailable: 'No answer. Are you offline?',
  signed_out: 'You are signed out.',
  not_found: 'This is not there any more.',
}

/**
 * @param error whatever the client threw, or `fetch`
 * @param here words for codes that say something else in this place
 */
export function whatWentWrong(error: unknown, here: typeof FAULTS = {}): string {
  // `fetch` itself throws a TypeError where there is no answer.
  const { code, retryAfter } = error instanceof HallpassError ? error : { code: 'unavailable', retryAfter: undefined }
  const words = here[code] ?? FAULTS[code] ?? 'That did not work.'
  return retryAfter === undefined ? words : `${words} Try again in ${inWords(retryAfter)}.`
}

const inWords = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`
