/** A mail before it has words, and the port through which it leaves. */

/** Why we write. Each has its templates in templates/. */
export type MailPurpose =
  /** Confirm the address of a new account. */
  | 'confirm'
  /** Somebody registered an address that has an account; the link sets a new password. */
  | 'account_exists'
  | 'magic_link'
  | 'reset_password'
  /** To the new address: make it the account's. */
  | 'change_email'
  /** To the owner of an address that somebody wants for another account. No link. */
  | 'email_in_use'
  /** To the address before: it was changed; the link takes it back. */
  | 'email_changed'
  /** The password was changed or reset; the link asks for a reset. */
  | 'password_changed'
  /** A device signed in that was not seen before; the link says "this was not me". */
  | 'new_device'
  /** An old refresh token was presented, and the session ended. */
  | 'token_reuse'
  /** A signed-in device is not what it was, by a policy: let in all the same, asked to confirm, or signed out. */
  | 'device_changed'
  | 'api_key_created'
  | 'account_deleted'

export interface MailDetails {
  /** How long the link is good, seconds. */
  readonly lifetime?: number | undefined
  /** What a person calls the device, or we do: "Chrome on Windows 11". */
  readonly device?: string | undefined
  readonly ip?: string | null | undefined
  /** "Lisbon, Portugal", where it is known. */
  readonly place?: string | null | undefined
  /** When it happened, RFC 3339 in UTC. */
  readonly at?: string | undefined
  /** The address that an account has now, or is to have. */
  readonly newAddress?: string | undefined
  /** Of an API key. */
  readonly name?: string | undefined
  /**
   * Of `token_reuse`: `late_predecessor`, where a lost connection can be the cause, or `old_token`. Of
   * `device_changed` what was done: `notify`, `step-up` or `revoke`.
   */
  readonly subtype?: string | undefined
  /** Of `device_changed`: the policy's name. */
  readonly rule?: string | undefined
}

export interface Mail {
  /** The same whenever it is sent again. */
  readonly id: string
  readonly to: string
  readonly purpose: MailPurpose
  readonly link: string | null
  /** The language that was asked for (BCP 47), where it is known. */
  readonly locale: string | null
  readonly details: MailDetails
}

/**
 * Hands a mail to whoever brings it to the person: SMTP, a text message, the mailbox of a developer.
 * At least once, perhaps more often, `mail.id` being the same then; a rejection means "later again".
 */
export type Deliver = (mail: Mail) => Promise<void>
