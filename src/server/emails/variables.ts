/** What a template knows of its mail, as `it`. docs/mail.md has the table for those who write templates. */
import { isIP } from 'node:net'
import type { Mail } from './mail.ts'
import { unlinked, unlinkedAddress } from './unlinked.ts'

/** Who sends. */
export interface Sender {
  readonly name: string
  /** The public URL. */
  readonly issuer: string
}

export interface MailVariables extends Sender {
  readonly host: string
  /** Of this template, BCP 47. */
  readonly lang: string
  readonly to: string | null
  readonly link: string | null
  /** "10 minutes" */
  readonly lifetime: string | null
  readonly device: string | null
  readonly place: string | null
  readonly ip: string | null
  /** "Wednesday, 4 March 2026 at 14:05 UTC" */
  readonly when: string | null
  /** The same for programs. */
  readonly at: string | null
  readonly newAddress: string | null
  readonly keyName: string | null
  readonly subtype: string | null
  readonly rule: string | null
}

/** @param language of the template; null for those without one, which are English */
export function mailVariables(
  sender: Sender,
  { to, link, details }: Pick<Mail, 'to' | 'link' | 'details'>,
  language: string | null,
): MailVariables {
  const instant = new Date(details.at ?? Number.NaN)
  const isKnown = !Number.isNaN(instant.getTime())
  return {
    ...sender,
    host: new URL(sender.issuer).host,
    lang: language ?? 'en',
    to: unlinkedAddress(to),
    link,
    lifetime: details.lifetime === undefined ? null : durationInWords(details.lifetime, language),
    device: unlinked(details.device, 100),
    place: unlinked(details.place, 100),
    // A stranger's, but with no room for words. It stays whole, since people pass it on to who looks into it.
    ip: isIP(details.ip ?? '') === 0 ? null : (details.ip ?? null),
    when: isKnown ? timeInWords(instant, language) : null,
    at: isKnown ? instant.toISOString() : null,
    newAddress: unlinkedAddress(details.newAddress),
    keyName: unlinked(details.name, 100),
    subtype: details.subtype ?? null,
    rule: details.rule ?? null,
  }
}

// Without a language: English with the day before the month and 24 hours, which nobody can misread.
const DEFAULT = 'en-GB'

/** One for each language that there are templates in: to make one takes milliseconds, and every start makes a hundred mails. */
const timeFormats = new Map<string, Intl.DateTimeFormat>()

function timeInWords(instant: Date, language: string | null): string {
  const locale = language ?? DEFAULT
  const format = timeFormats.get(locale) ?? new Intl.DateTimeFormat(locale, TIME_FORM)
  timeFormats.set(locale, format)
  return `${format.format(instant)} UTC`
}

const TIME_FORM = { dateStyle: 'full', timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' } as const

const durationFormats = new Map<string, Intl.NumberFormat>()

/** Rounded down, so that it never promises more than there is. People count in hours up to some days. */
function durationInWords(seconds: number, language: string | null): string {
  const [unit, length] = UNITS.find(([, , from]) => seconds >= from) ?? UNITS[2]
  const count = Math.max(1, Math.floor(seconds / length))
  const locale = language ?? DEFAULT
  const key = `${locale} ${unit}`
  const format = durationFormats.get(key) ?? new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
  durationFormats.set(key, format)
  return format.format(count)
}

/** Name, length, and from when on it is used. Seconds. */
const UNITS = [
  ['day', 86_400, 4 * 86_400],
  ['hour', 3_600, 2 * 3_600],
  ['minute', 60, 0],
] as const
