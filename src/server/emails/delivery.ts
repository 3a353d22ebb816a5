/** How mails leave: by whoever embeds the service, by SMTP, or, while developing, not at all. */
import type { Database } from '../database/database.ts'
import { createDevMailbox, type DevMailbox } from './dev-mailbox.ts'
import type { Deliver } from './mail.ts'
import { createRenderMail } from './render.ts'
import { createSmtp } from './smtp.ts'

interface DeliverySettings {
  readonly issuer: string
  readonly name: string
  readonly smtpUrl: string | null
  readonly mailFrom: string | null
  readonly mailTemplates: string | null
}

export interface Delivery {
  readonly deliver: Deliver
  /** Where mails can be read that went nowhere else; null where they do go. */
  readonly mailbox: DevMailbox | null
  close(): void
}

/** @throws for a template that cannot be read or rendered */
export function createDelivery(
  { issuer, name, smtpUrl, mailFrom, mailTemplates }: DeliverySettings,
  { database, deliver }: { database: Database; deliver: Deliver | undefined },
): Delivery {
  if (deliver !== undefined) return { deliver, mailbox: null, close: () => undefined }
  const render = createRenderMail({ name, issuer, templatesDirectory: mailTemplates })
  if (smtpUrl !== null && mailFrom !== null) {
    return { mailbox: null, ...createSmtp({ url: smtpUrl, from: mailFrom, issuer, render }) }
  }
  const mailbox = createDevMailbox({ database, render })
  return { deliver: mailbox.deliver, mailbox, close: () => undefined }
}
