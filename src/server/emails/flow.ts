/**
 * A flow: a mail with a link, and what the link does. Asking, tokens, their expiry, their single use
 * and their binding to purpose and address are shared (email-tokens.ts). A flow is only its difference.
 */
import type { Queryable } from '../database/database.ts'

export type Purpose = 'confirm' | 'magic_link' | 'reset_password' | 'change_email' | 'revert_email' | 'not_me'

/** A token as it was found, good and now used up, with its account's row locked. */
export interface UsedToken {
  readonly userId: string
  /** The address the mail went to, as it was given. */
  readonly sentTo: string
  readonly createdAt: Date
  /** The session it is about: the one that asked, or the one that it reports. */
  readonly sessionId: string | null
  /** The client that asked, where one was named. */
  readonly clientId: string | null
}

export interface FlowInput {
  /** Of the password that the person chose, where the flow takes one. */
  readonly passwordHash: string | null
  readonly ip: string | null
}

export interface EmailFlow {
  readonly purpose: Purpose
  /** Under `/v1`: POST asks for the mail, PUT uses its token. Null where only the page does. */
  readonly resource: string | null
  /** Where the link leads. */
  readonly page: string
  /** How long a token is good. Seconds. */
  readonly lifetime: number
  /** Who may ask for the mail: anybody who names an address, the account's owner for a new address, nobody. */
  readonly askedBy: 'anybody' | 'owner' | 'nobody'
  /** False where another endpoint takes the token. */
  readonly isUsedByPut: boolean
  readonly takesPassword: boolean
  /** A token dies when the account's address is no longer what it was at issue. */
  readonly isBoundToAddress: boolean
  /** What the token does, in the transaction that uses it up. @returns false: it can do nothing any more, and is void */
  act(tx: Queryable, token: UsedToken, input: FlowInput): Promise<boolean>
}
