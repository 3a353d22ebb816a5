/** Every limit with its figures. docs/http.md has the same table for those who meet them. */

export interface Limit {
  /** What an answer calls it. */
  readonly policy: string
  /** How often within one window. */
  readonly quota: number
  /** Seconds. */
  readonly window: number
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const limit = (policy: string, quota: number, window: number): Limit => ({ policy, quota, window })

/**
 * A network is what one line to the internet has: an IPv4 address, or an IPv6 /64.
 */
export const LIMITS = {
  // Wrong passwords. NIST SP 800-63B-4 section 3.2.2 lets an account take 100 failures in a row: the
  // short window slows a guesser down from the eleventh on, the long one keeps a patient one below that.
  signInAccount: limit('sign-in-account', 10, 15 * MINUTE),
  signInAccountDaily: limit('sign-in-account-daily', 100, DAY),
  // One guess at each of many accounts passes the limits above; it does not pass this one.
  signInNetwork: limit('sign-in-network', 100, 15 * MINUTE),

  // Whoever found an unlocked device guesses the password there as slowly as at the sign-in.
  passwordCheck: limit('password-check', 10, 15 * MINUTE),
  passwordCheckDaily: limit('password-check-daily', 100, DAY),

  // Each registration costs a hash and a mail. A household or an office stays below; a script does not.
  registration: limit('registration', 10, MINUTE),
  registrationHourly: limit('registration-hourly', 100, HOUR),

  // A mailbox is not to be flooded by strangers (OWASP, Forgot Password Cheat Sheet) ...
  mailAddress: limit('mail-address', 1, MINUTE),
  mailAddressHourly: limit('mail-address-hourly', 5, HOUR),
  // ... nor are many of them, one mail each, which ruins the name of the sender.
  mailNetwork: limit('mail-network', 3, MINUTE),
  mailNetworkHourly: limit('mail-network-hourly', 30, HOUR),

  // 256 random bits are not guessed; this keeps those who try from costing anything.
  emailToken: limit('email-token', 30, 5 * MINUTE),

  // The tokens of another system are as long. A whole office that moves in on one morning passes: only guesses count.
  importedToken: limit('imported-token', 30, 5 * MINUTE),

  // An honest device refreshes once in minutes, with several tabs a few times more; a client in a loop
  // is stopped before the database notices.
  refresh: limit('refresh', 30, MINUTE),
} as const satisfies Record<string, Limit>
