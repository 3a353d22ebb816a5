/** Everything that has a code, in words. Copy this file, and say it the way you would. */
import { HallpassError } from 'hallpass/client'

/** The service has said what happened, when, and from which device. `reason` is for words, and languages, of your own. */
export function whySignedOut({ reason, message }: { reason: string | null; message?: string }): string | null {
  if (reason === null) return null // nobody was signed in before: there is nothing to explain
  return message ?? (reason === 'signed_out' ? 'You are signed out.' : 'Please sign in again.')
}

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
