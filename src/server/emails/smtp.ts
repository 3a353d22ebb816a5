/** Delivery by SMTP. */
import type { Transporter } from 'nodemailer'
import type { Deliver } from './mail.ts'
import type { RenderMail } from './render.ts'
import { Undeliverable } from './sending.ts'

/** Each step's; the outbox waits for all of them no longer than it has leased the mail (sending.ts). Milliseconds. */
const TIMEOUTS = { dnsTimeout: 5_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 }

/**
 * @param url `smtp://` takes STARTTLS where the server offers it; `smtps://` begins with TLS
 * @param from what is in From
 */
export function createSmtp({
  url,
  from,
  issuer,
  render,
}: {
  url: string
  from: string
  issuer: string
  render: RenderMail
}): {
  deliver: Deliver
  close(): void
} {
  const { hostname } = new URL(issuer)
  let transport: Promise<Transporter> | undefined

  return {
    async deliver(mail) {
      const { subject, text, html } = render(mail)
      try {
        const opened = await (transport ??= openTransport(url))
        await opened.sendMail({
          from,
          to: { name: '', address: mail.to },
          subject,
          text,
          html,
          // The same on a retry, so that whoever got it already can tell (RFC 5322 section 3.6.4).
          messageId: `<${mail.id}@${hostname}>`,
          headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no out-of-office answers, please
        })
      } catch (error) {
        throw asUndeliverable(error)
      }
    },
    close: () => void transport?.then((opened) => opened.close()).catch(() => undefined),
  }
}

/** Not before the first mail: a process in which nobody needs one starts sooner, and smaller (docs/benchmarks.md). */
async function openTransport(url: string): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    url,
    pool: true,
    maxConnections: 4,
    ...TIMEOUTS,
    // A mail is what we render and nothing else: no file or URL is ever read for one.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

/** The server refuses this mail for good (RFC 5321 section 4.2.1), as nobody is there or it wants none of it; anything else may pass. */
function asUndeliverable(error: unknown): unknown {
  const { code, responseCode } = error as { code?: string; responseCode?: number }
  const isOurs = code === 'EENVELOPE' || code === 'EMESSAGE' // not of the login or the connection
  const isRefused = isOurs && responseCode !== undefined && responseCode >= 500
  return isRefused ? new Undeliverable(`refused with ${responseCode}`) : error
}
