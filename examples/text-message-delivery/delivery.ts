/** What Hallpass has to tell people, by text message where that will do. */
import type { Deliver, Mail, MailPurpose } from 'hallpass/server'

/** Whoever sends text messages for you. */
export interface TextMessageGateway {
  /** Rejects where the message was not taken. @param message.reference the same when it is sent again */
  send(message: { to: string; text: string; reference: string }): Promise<void>
}

/** What fits into one message, and is wanted at once. The link comes last, where every phone finds its end. */
const TEXTS: Partial<Record<MailPurpose, string>> = {
  confirm: 'Confirm your account:',
  magic_link: 'Sign in:',
  reset_password: 'Set a new password:',
}

export function createTextMessageDelivery(options: {
  gateway: TextMessageGateway
  /** The phone number of the person with this address; null where you know none. */
  phoneOf: (address: string) => Promise<string | null>
  /** For everything else; where it is left out, that goes nowhere. */
  byMail?: Deliver
}): Deliver {
  const { gateway, phoneOf, byMail = () => Promise.resolve() } = options
  return async (mail) => {
    const text = textOf(mail)
    const phone = text === null ? null : await phoneOf(mail.to)
    if (text === null || phone === null) return byMail(mail)
    // A rejection goes on to Hallpass, which tries again later, with the same id.
    await gateway.send({ to: phone, text, reference: mail.id })
  }
}

function textOf({ purpose, link }: Mail): string | null {
  const text = TEXTS[purpose]
  return text === undefined || link === null ? null : `${text} ${link}`
}
