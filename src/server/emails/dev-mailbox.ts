/** Mail while developing: it goes nowhere, and can be read on this machine (`/dev/mailbox`). */
import { statement, type Database } from '../database/database.ts'
import type { Deliver } from './mail.ts'
import type { RenderMail } from './render.ts'

export interface KeptMail {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly createdAt: Date
}

export interface DevMailbox {
  readonly deliver: Deliver
  /** Oldest first. */
  list(): Promise<KeptMail[]>
  find(id: string): Promise<KeptMail | null>
}

/** Older ones go. */
const MOST = 500

export function createDevMailbox({ database, render }: { database: Database; render: RenderMail }): DevMailbox {
  return {
    async deliver(mail) {
      const { subject, text, html } = render(mail)
      await database.query(keep, [mail.id, mail.to, subject, text, html])
      await database.query(forget, [MOST])
    },
    async list() {
      return (await database.query(list, [])).map(toKeptMail)
    },
    async find(id) {
      const [row] = await database.query(find, [id])
      return row ? toKeptMail(row) : null
    },
  }
}

interface MailRow {
  id: string
  recipient: string
  subject: string
  text: string
  html: string
  created_at: Date
}

const toKeptMail = (row: MailRow): KeptMail => ({
  id: row.id,
  to: row.recipient,
  subject: row.subject,
  text: row.text,
  html: row.html,
  createdAt: row.created_at,
})

const MAIL_COLUMNS = 'id, recipient, subject, text, html, created_at'

/** Delivered twice, it is there once. */
const keep = statement(
  'dev_mailbox.keep',
  `insert into dev_mailbox (id, recipient, subject, text, html)
   values ($1::uuid, $2::text, $3::text, $4::text, $5::text) on conflict (id) do nothing`,
)

const forget = statement(
  'dev_mailbox.forget',
  `delete from dev_mailbox where position <= (select max(position) from dev_mailbox) - $1::int`,
)

const list = statement<MailRow>('dev_mailbox.list', `select ${MAIL_COLUMNS} from dev_mailbox order by position`)

const find = statement<MailRow>('dev_mailbox.find', `select ${MAIL_COLUMNS} from dev_mailbox where id::text = $1::text`)
