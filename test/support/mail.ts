/** A real mail server for tests: what the service sends goes through SMTP and is read from here. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { MailPurpose } from '../../src/server/emails/mail.ts'
import type { TestServer } from './server.ts'

export interface ReceivedMail {
  readonly to: string
  readonly from: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly messageId: string
  readonly headers: ParsedMail['headers']
}

export interface MailServer {
  readonly url: string
  /** All that came for an address, in the order of arrival. */
  mailsTo(address: string): ReceivedMail[]
  /** The first mail for an address about which `is` says yes, as soon as it is there. */
  mailTo(address: string, is?: (mail: ReceivedMail) => boolean): Promise<ReceivedMail>
  stop(): Promise<void>
}

/** Only against waiting for ever; milliseconds. */
const LONGEST_WAIT = 15_000

/** @param options of smtp-server, for servers that misbehave */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const received: ReceivedMail[] = []
  const watchers = new Set<() => void>()

  async function receive(stream: Readable): Promise<Error | null> {
    try {
      received.push(toReceived(await simpleParser(stream)))
    } catch (error) {
      return error as Error
    }
    for (const watcher of watchers) watcher()
    return null
  }

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, answer) {
      void receive(stream).then(answer)
    },
    ...options,
  })
  server.on('error', () => undefined) // connections that a test cuts off
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  server.server.unref()

  const mailsTo = (address: string): ReceivedMail[] => received.filter((mail) => mail.to === address)

  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mailsTo,
    mailTo: (address, is = () => true) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(look)
          const subjects = mailsTo(address).map(({ subject }) => subject)
          reject(new Error(`the mail to ${address} did not come; what came: ${JSON.stringify(subjects)}`))
        }, LONGEST_WAIT)
        const look = (): void => {
          const mail = mailsTo(address).find(is)
          if (mail === undefined) return
          clearTimeout(timer)
          watchers.delete(look)
          resolve(mail)
        }
        watchers.add(look)
        look()
      }),
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

/** The one server of a test run, started when first asked for; suite.ts stops it. */
export const sharedMailServer = (): Promise<MailServer> => (shared ??= startMailServer())

export async function stopSharedMailServer(): Promise<void> {
  const server = await shared?.catch(() => undefined)
  shared = undefined
  await server?.stop()
}

let shared: Promise<MailServer> | undefined

/** The settings that make a service send its mail there. */
export const mailSettings = async (): Promise<Record<'SMTP_URL' | 'HALLPASS_MAIL_FROM', string>> => ({
  SMTP_URL: (await sharedMailServer()).url,
  HALLPASS_MAIL_FROM: 'Hallpass <post@hallpass.example>',
})

export type Page = 'confirm' | 'reset' | 'magic' | 'change-email' | 'revert-email' | 'not-me'

/**
 * The token in the next mail to an address whose link leads to `page`.
 * @param after how many such mails came before
 */
export async function tokenFor(address: string, page: Page, after = 0): Promise<string> {
  const server = await sharedMailServer()
  const isWanted = (mail: ReceivedMail): boolean => mail.text.includes(`/${page}?token=`)
  await server.mailTo(address, () => server.mailsTo(address).filter(isWanted).length > after)
  return tokenIn(server.mailsTo(address).filter(isWanted)[after], page)
}

/** The mails that came for an address with a link to `page`. */
export const mailsFor = async (address: string, page: Page): Promise<ReceivedMail[]> =>
  (await sharedMailServer()).mailsTo(address).filter((mail) => mail.text.includes(`/${page}?token=`))

export function tokenIn(mail: ReceivedMail | undefined, page: Page): string {
  const [, token] = new RegExp(`/${page}\\?token=(hpem_[A-Za-z0-9_-]{43})\\s`).exec(mail?.text ?? '') ?? []
  if (token === undefined) throw new Error(`there is no link to ${page} in this mail:\n${mail?.text}`)
  return token
}

function toReceived(mail: ParsedMail): ReceivedMail {
  const [to] = [mail.to].flat()
  return {
    to: to?.value[0]?.address ?? '',
    from: mail.from?.text ?? '',
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    html: mail.html || '',
    messageId: mail.messageId ?? '',
    headers: mail.headers,
  }
}

/** How our own templates begin their subjects. */
const SUBJECTS: Record<MailPurpose, RegExp> = {
  confirm: /^Confirm your email address/,
  account_exists: /^You already have an account/,
  magic_link: /^Your link to sign in/,
  reset_password: /^Set a new password/,
  change_email: /^Confirm your new email address/,
  email_in_use: /^Somebody wanted to use your email address/,
  email_changed: /^The email address of your account .* was changed/,
  password_changed: /^Your password .* was changed/,
  new_device: /^A new device signed in/,
  token_reuse: /^We signed a device out/,
  device_changed: /^(A device was signed out|A device has to confirm that it is you|Something changed about a device) /,
  api_key_created: /^A new API key/,
  account_deleted: /^Your account .* was deleted/,
}

/** Those that came for an address for this reason, as soon as there are `count` of them. */
export async function mailsAbout(address: string, purpose: MailPurpose, count = 1): Promise<ReceivedMail[]> {
  const server = await sharedMailServer()
  const about = (): ReceivedMail[] => server.mailsTo(address).filter(({ subject }) => SUBJECTS[purpose].test(subject))
  if (count > 0) await server.mailTo(address, () => about().length >= count)
  return about()
}

/** Once everything that was written to the outbox has been sent: what came for an address, as purposes. */
export async function allMailsTo({ hallpass }: Pick<TestServer, 'hallpass'>, address: string): Promise<MailPurpose[]> {
  await hallpass.sending.run()
  const purposes = Object.entries(SUBJECTS) as [MailPurpose, RegExp][]
  const mails = (await sharedMailServer()).mailsTo(address)
  return mails.flatMap(({ subject }) => purposes.filter(([, is]) => is.test(subject)).map(([purpose]) => purpose))
}
