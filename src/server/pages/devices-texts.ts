/** The words of "Your devices": the part of texts.ts that stands under `devices`. */
import type { DeviceType } from '../sessions/device-clues.ts'
import type { Novelty } from '../sessions/novelty.ts'
import type { Session } from '../sessions/session.ts'
import { exactTime } from './devices-times.ts'
import { policyDifferences } from './history-texts.ts'
import { html, type Html } from './html.ts'

export type Words = string | Html

const kinds: Record<DeviceType, string> = {
  desktop: 'Computer',
  mobile: 'Phone',
  tablet: 'Tablet',
  tv: 'TV',
  console: 'Game console',
  wearable: 'Watch or headset',
  bot: 'Program',
  unknown: 'Device',
}

/** How somebody signed in (RFC 8176). What an application said about its own way is shown as it said it. */
const methods: Record<string, string> = { pwd: 'a password', otp: 'a link by mail' }

/** Why this device is signed out, when that happens while the page is open. A rule that has no words here is looked up as `policy`. */
const ended: Record<string, readonly string[]> = {
  signed_out: ['This browser was signed out.'],
  revoked_by_user: ['It was signed out from another of your devices.'],
  revoked_by_admin: ['It was signed out by those who run this service.'],
  password_changed: ['The password was changed on another device, and that signs out all others.'],
  password_reset: ['A new password was set, and that signs out every device.'],
  email_changed: ['The address of your account was changed, and that signs out your devices.'],
  account_disabled: ['Your account was disabled by those who run this service.'],
  account_deleted: ['Your account was deleted.'],
  token_reuse: [
    'What keeps this browser signed in was used somewhere else too, so somebody may have copied it. To keep you safe, it works no more.',
    'If you cannot explain it, choose a new password.',
  ],
  not_me: ['Somebody with access to your mail said that this device is not yours.'],
  session_limit: ['Too many devices were signed in, and this one had to make room for another.'],
  replaced: ['Somebody has signed in anew in this browser. It may well have been you, in another tab.'],
  policy: ['It was signed out by a rule of this service.'],
  ...Object.fromEntries(
    Object.entries(policyDifferences).map(([rule, difference]) => [
      `policy:${rule}`,
      [`It was signed out by a rule of this service: ${difference}.`],
    ]),
  ),
  expired_idle: ['It was not used for so long that you have to sign in again.'],
  expired_absolute: ['It was signed in for so long that you have to sign in again.'],
  unknown: ['It was signed out.'],
}

const novelty = (what: Novelty, language: string): Words => {
  switch (what.of) {
    case 'place':
      return html`New place: ${placeIn(what.location, language)}`
    case 'system':
      return html`First time on ${bdi(what.name)}`
    case 'program':
      return html`First time with ${bdi(what.name)}`
    case 'combination':
      return 'New kind of device'
    case 'network':
      return 'New network'
  }
}

function placeIn({ city, country }: NonNullable<Session['location']>, language: string): Html | null {
  const land = country && countryName(country, language)
  if (!city || !land) return city || land ? bdi(city || land || '') : null
  return html`${bdi(city)}, ${bdi(land)}`
}

/** A place may name its country by its code (ISO 3166). */
const countryName = (country: string, language: string): string =>
  /^[A-Z]{2}$/.test(country) ? (new Intl.DisplayNames(language, { type: 'region' }).of(country) ?? country) : country

const bdi = (text: string): Html => html`<bdi>${text}</bdi>`

/** @param language of these words; dates, lists and countries follow it */
export const devicesTexts = (language: string) => ({
  title: 'Your devices',
  /** @param account its address; null where it has none */
  explanation: (account: Html | null, reset: Html): Words =>
    html`These devices are signed in to your account${account && html` ${account}`}. Is there one that you do not know?
    Sign it out, then ${reset}.`,
  reset: 'get a link for a new password by mail',
  goBack: (host: string): string => `Back to ${host}`,
  list: 'Devices that are signed in',
  kinds,
  novelty: (what: Novelty): Words => novelty(what, language),
  thisDevice: 'This device',
  inUse: 'In use now',
  justNow: 'just now',
  exact: (at: Date): string => exactTime(at, language),
  place: (location: NonNullable<Session['location']>): Html | null => placeIn(location, language),
  address: (ip: string): Words => html`IP address <bdi>${ip}</bdi>`,
  network: (ip: string): Words => html`Network <bdi>${ip}</bdi>`,
  lastUsed: (time: Html): Words => html`Last used ${time}`,
  details: {
    summary: 'Details',
    label: (device: string): string => `Details of ${device}`,
    signedIn: 'Signed in',
    /** @param how one or several of the ways, or null where nothing is known of it */
    signedInAt: (time: Html, how: string | null): Words => (how === null ? time : html`${time}, with ${how}`),
    lastUsed: 'Last used',
    place: 'Place',
    aboutPlaces: 'Worked out from the IP address, and can be some way off.',
    address: 'IP address',
    app: 'App',
    browser: 'Browser',
    system: 'System',
  },
  methods: (amr: readonly string[]): string | null =>
    amr.length === 0
      ? null
      : new Intl.ListFormat(language).format(
          amr.map((method) => (Object.hasOwn(methods, method) ? methods[method] : `“${method}”`) ?? ''),
        ),
  rename: {
    summary: 'Rename',
    label: (device: string): string => `Rename ${device}`,
    field: 'Name of this device',
    hint: (label: string): Words => html`Leave it empty, and it is called ${bdi(label)} again.`,
    button: 'Save name',
  },
  signOut: {
    button: 'Sign out',
    label: (device: string): string => `Sign out ${device}`,
    others: 'Sign out all other devices',
  },
  undo: {
    title: 'Signed out just now',
    explanation:
      'For ten minutes you can undo it. If a device has not noticed yet, it goes on as if nothing had happened; if it has, sign in on it again.',
    signedOut: (time: Html): Words => html`Signed out ${time}`,
    button: 'Undo',
    label: (device: string): string => `Undo: keep ${device} signed in`,
    /** By why a session is not brought back (sessions/control-refused.ts). */
    refused: {
      title: 'This cannot be undone',
      reasons: {
        too_late: 'It was signed out more than ten minutes ago. Sign in on that device again.',
        not_revoked_by_owner:
          'Only what you signed out from another device can be undone. Sign in on that device again.',
        expired: 'Its time is over by now anyway. Sign in on that device again.',
        account_changed:
          'The password or the address of your account was changed since, and that signs out every device of before. Sign in on that device again.',
      } as Readonly<Record<string, string>>,
      otherwise: 'Sign in on that device again.',
    },
  },
  /** How it went. */
  done: {
    renamed: (device: Html): Words => html`The new name is saved: ${device}.`,
    signedOut: (device: Html): Words => html`${device} is signed out.`,
    others: 'Every other device is signed out.',
    undone: (device: Html): Words =>
      html`Undone: ${device} stays signed in. If it has noticed already, sign in on it again.`,
  },
  /** What a page that is open says when something happens; `{device}` is a device's name. */
  live: {
    added: 'A device has signed in: {device}',
    removed: 'A device was signed out: {device}',
    renamed: 'A device has a new name: {device}',
  },
  ended: {
    title: 'This device is signed out',
    reasons: ended,
    signIn: 'Sign in',
    /** Where it was only replaced by a new sign-in in the same browser. */
    show: 'Show your devices',
  },
  confirm: {
    title: 'Confirm that it is you',
    /** @param account its address; null where it has none */
    why: (account: Html | null): Words =>
      html`You signed in${account && html` as ${account}`} a while ago. Before your devices are changed, we want to be
      sure that it is still you.`,
    one: (device: Html): Words => html`To sign out ${device}, enter your password once more.`,
    others: 'To sign out all other devices, enter your password once more.',
    undo: (device: Html): Words => html`To keep ${device} signed in, enter your password once more.`,
    password: 'Password',
    missing: 'Enter your password.',
    wrong: 'This is not the password of your account.',
    buttonOne: (device: Html): Words => html`Sign out ${device}`,
    buttonOthers: 'Sign out all other devices',
    buttonUndo: (device: Html): Words => html`Keep ${device} signed in`,
    cancel: 'Back to your devices',
    byMail: {
      explanation:
        'Your account has no password, so sign in with a link by mail once more, in this browser. It leads back here.',
      button: 'Mail me a sign-in link',
    },
    elsewhere: 'Sign out and in again where you signed in before. Then come back here.',
  },
  signedOut: {
    title: 'You are signed out',
    paragraphs: ['This browser is not signed in any more. Your other devices stay as they are.'],
  },
  /** The form was that of another sign-in, or of somebody else's page, or has lost its token. */
  stale: {
    title: 'Nothing was done',
    paragraphs: [
      'The page that asked for it was not made for this sign-in, or is too old. Open it anew, and do it there.',
    ],
  },
  notFound: {
    title: 'There is no such device',
    paragraphs: ['It is not among the devices of your account, or not any more.'],
  },
  back: 'Show your devices',
})
