/** `GET /dev/mailbox.json`: where mail goes while nobody has said how to send it. */
import type { DevMailbox } from '../emails/dev-mailbox.ts'
import type { Handler } from './context.ts'
import { demandThisMachine } from './this-machine.ts'

/** Shown to somebody at this machine only. */
export const devMailbox =
  ({ mailbox }: { mailbox: Pick<DevMailbox, 'list'> }): Handler =>
  async (ctx) => {
    demandThisMachine(ctx)
    const mails = await mailbox.list()
    ctx.body = {
      messages: mails.map(({ id, to, subject, text, html, createdAt }) => ({
        id,
        to,
        subject,
        text,
        html,
        created_at: createdAt,
      })),
    }
  }
