/**
 * The outbox: what is to be mailed, written in the transaction that decides it. A wish says why and
 * to whom; only when it is taken up (composing.ts) is it known whether anybody is there, and is a token made.
 */
import { statement, type Queryable } from '../database/database.ts'
import type { MailPurpose } from './mail.ts'

/** Whoever empties the outbox hears of it here. */
export const OUTBOX_CHANNEL = 'hallpass_outbox'

/** As it stands in the outbox: names of JSON, ids and addresses, no secret. */
export interface MailWish {
  readonly purpose: MailPurpose
  /** The account; or an address, which may have none. */
  readonly user_id?: string
  readonly address?: string
  /** Where it goes, if not to the account's own address. */
  readonly to?: string
  readonly new_address?: string
  /** The session it tells of, or that asked. */
  readonly session_id?: string | null
  readonly client_id?: string | null
  /** For the link to our own page. */
  readonly return_to?: string
  readonly locale?: string | null
  readonly subtype?: string
  readonly name?: string
  /** The policy that tripped. */
  readonly rule?: string
  /** When it happened, where the time of the mail will not do. RFC 3339. */
  readonly at?: string
  /** Where it was done from. */
  readonly ip?: string | null
  /** Where that is; else it is the session's place that is told. */
  readonly place?: { readonly city: string | null; readonly country: string | null } | null
}

export async function wishMail(tx: Queryable, wish: MailWish): Promise<void> {
  await tx.query(insert, [JSON.stringify(wish)])
}

const insert = statement('outbox.insert', `insert into outbox (kind, payload) values ('mail', $1::jsonb)`)
