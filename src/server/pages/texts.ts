/**
 * Every word of the pages. To translate them is to write this object once more: whole sentences, into
 * which addresses and times are put; nothing is put together from pieces anywhere else.
 */
import type { Purpose } from '../emails/flow.ts'
import { devicesTexts } from './devices-texts.ts'
import { historyTexts } from './history-texts.ts'
import { html, type Html } from './html.ts'
import { sessionLimit, signIn, signUp } from './sign-in-texts.ts'

type Words = string | Html

/** What a link is about. */
export interface About {
  /** The account's address now. */
  readonly account: Html
  /** Where the mail with the link went. */
  readonly mail: Html
  /** Whether its owner has confirmed the account's address before. */
  readonly isVerified: boolean
}

const UNCONFIRMED =
  'This address was never confirmed, and now it will be. Whatever was set up before ends, as it may be somebody else’s: ' +
  'devices are signed out, and the password no longer works.'

interface FlowTexts {
  /** With a link that is good: what it would do. */
  readonly title: string
  readonly explanation: (about: About) => readonly Words[]
  readonly button: (about: About) => Words
  readonly ifNotYou: string
  /** When it has done it. */
  readonly done: { readonly title: string; readonly paragraphs: readonly Words[] }
  /** With a link that is not good, or none: what to do instead. */
  readonly instead: readonly string[]
  /** Where a new password is wise after all this: the link to the form that asks for one. */
  readonly reset?: string
  /** Where signing in is what comes next: the link to the form for it. */
  readonly signIn?: string
}

const LANGUAGE = 'en'

const flows: Record<Purpose, FlowTexts> = {
  confirm: {
    title: 'Confirm your address',
    explanation: ({ mail }) => [html`This confirms that ${mail} is your address.`],
    button: () => 'Confirm address',
    ifNotYou: 'You did not make an account? Close this page, and nothing happens.',
    done: {
      title: 'Your address is confirmed',
      paragraphs: ['Thank you. Now you can sign in, here or wherever you came from.'],
    },
    signIn: 'Sign in',
    instead: ['If you have confirmed your address already, there is nothing left to do.'],
  },
  magic_link: {
    title: 'Sign in',
    explanation: ({ isVerified }) => [
      'One more step, and this browser is signed in.',
      ...(isVerified ? [] : [UNCONFIRMED]),
    ],
    button: ({ account }) => html`Sign in as ${account}`,
    ifNotYou: 'You did not ask for this link? Close this page, and nothing happens.',
    done: { title: 'You are signed in', paragraphs: ['You can close this page and go back to where you were.'] },
    instead: [],
  },
  reset_password: {
    title: 'Choose a new password',
    explanation: ({ account }) => [
      html`For ${account}. Every device is signed out when you set it, and API keys stop working.`,
    ],
    button: () => 'Set new password',
    ifNotYou: 'You did not ask for this? Close this page, and your password stays as it is.',
    done: {
      title: 'Your new password is set',
      paragraphs: ['Every device is signed out. Sign in again with your new password.'],
    },
    signIn: 'Sign in',
    instead: [],
  },
  change_email: {
    title: 'Change your address',
    explanation: ({ account, mail }) => [
      html`You will sign in with ${mail} in place of ${account}, and our mail will go there.`,
      'Your other devices are signed out, and the former address is told.',
    ],
    button: () => 'Change address',
    ifNotYou: 'You did not ask for this? Close this page, and nothing changes.',
    done: {
      title: 'Your address is changed',
      paragraphs: ['Sign in with your new address from now on. Your other devices are signed out.'],
    },
    instead: ['If you still want to change your address, ask for it again where you manage your account.'],
  },
  revert_email: {
    title: 'Take your address back',
    explanation: ({ account, mail }) => [
      html`Your account gets ${mail} back, in place of ${account}.`,
      'Every device is signed out, and API keys and the password stop working. We mail you a link to choose a new password.',
    ],
    button: () => 'Take address back',
    ifNotYou: 'You changed the address yourself? Close this page, and it stays changed.',
    done: {
      title: 'Your address is back',
      paragraphs: [
        'Every device is signed out, and the password does not work any more.',
        'A mail with a link to choose a new password is on its way to you.',
      ],
    },
    instead: ['If you think that somebody else uses your account, write to those who run this service.'],
  },
  not_me: {
    title: 'Was this not you?',
    explanation: ({ account }) => [
      html`Our mail tells of a device that signed in to your account ${account}.`,
      'If you do not know that device, sign it out here. Your other devices stay signed in.',
    ],
    button: () => 'Sign that device out',
    ifNotYou: 'It was you? Close this page, and the device stays signed in.',
    done: {
      title: 'The device is signed out',
      paragraphs: [
        'Whoever used it may know your password. Choose a new one, and every other device is signed out too.',
      ],
    },
    reset: 'Choose a new password',
    instead: ['If you think that somebody else uses your account, choose a new password: it signs every device out.'],
  },
}

/** For flows that anybody may ask for: the form that asks. */
const asking = {
  confirm: {
    title: 'Confirm your address',
    explanation: 'Enter the address of your account, and we mail you a link that confirms it.',
    button: 'Mail me a link',
    again: 'Get a new link',
  },
  magic_link: {
    title: 'Sign in by mail',
    explanation: 'Enter the address of your account, and we mail you a link that signs you in.',
    button: 'Mail me a link',
    again: 'Get a new link',
  },
  reset_password: {
    title: 'Forgot your password?',
    explanation: 'Enter the address of your account, and we mail you a link to choose a new one.',
    button: 'Mail me a link',
    again: 'Get a new link',
  },
} satisfies Partial<Record<Purpose, Record<'title' | 'explanation' | 'button' | 'again', string>>>

/** What can keep a page from being shown, by the status of the answer. */
const failures: Record<number, { readonly title: string; readonly paragraphs: readonly string[] }> = {
  400: { title: 'This did not arrive whole', paragraphs: ['Go back and try it once more.'] },
  403: {
    title: 'This came from another page',
    paragraphs: [
      'To keep you safe, only our own page can do this. Open it once more, by the link in your mail if that is where you came from.',
    ],
  },
  404: { title: 'There is nothing here', paragraphs: ['Perhaps the address was cut off on its way here.'] },
  413: { title: 'That was too much', paragraphs: ['Go back and enter something shorter.'] },
  429: { title: 'Too many attempts', paragraphs: ['Nothing is lost: a link that was good is still good.'] },
  500: {
    title: 'Something went wrong',
    paragraphs: ['It is our mistake, and we have a note of it. Please try it again later.'],
  },
  503: {
    title: 'Not available right now',
    paragraphs: ['Nothing has changed, and a link that was good is still good. Please try it again in a moment.'],
  },
}

export const texts = {
  language: LANGUAGE,
  direction: 'ltr',
  flows,
  asking,
  failures,
  /** An application sent the person here under an id that nobody registered, or that has a sign-in of its own. */
  unknownClient: {
    title: 'You cannot sign in to this application here',
    paragraphs: [
      'It is not known here, or it has a sign-in of its own: open the application, and sign in there.',
      'It was the application that brought you here? Then tell those who run it.',
    ],
  },
  /** Before the title of a page whose form has to be filled in anew. */
  faultyTitle: 'Error: ',
  address: 'Email address',
  noAddress: 'This is not an address that can receive mail. It looks like name@example.com.',
  newPassword: 'New password',
  showPassword: 'Show password',
  hidePassword: 'Hide password',
  passwordHint: '15 characters or more. Shorter will do if it is hard to guess.',
  sent: {
    title: 'Check your mailbox',
    paragraphs: (lifetime: string): readonly string[] => [
      'If there is an account with this address, a mail is on its way.',
      `Its link is good for ${lifetime}. Nothing there after a few minutes? Look into the spam folder too.`,
    ],
  },
  deadLink: {
    title: 'This link does not work any more',
    paragraphs: ['It was used already, it is too old, or a newer mail has replaced it.'],
  },
  noLink: {
    title: 'Open this page from your mail',
    paragraphs: (example: Html): readonly Words[] => [
      'The link in the mail is complete when it looks like this:',
      example,
      'If your mail program has broken it into two lines, copy all of it into the address bar.',
    ],
  },
  /** While a page loads itself once more. */
  reload: { title: 'One moment', link: 'Go on' },
  signIn,
  sessionLimit,
  signUp,
  devices: devicesTexts(LANGUAGE),
  history: historyTexts,
  /** Before how long to wait, where the form stays. */
  wait: { 429: 'Too many attempts.', 503: 'Not available right now.' },
  retryIn: (seconds: number): string => `You can try it again in ${durationInWords(seconds)}.`,
  duration: durationInWords,
  mailbox: {
    title: 'Mailbox',
    explanation: 'Mail is kept here and not sent, since no mail server is configured. Only this machine can see it.',
    empty: 'No mail yet.',
    more: (shown: number, all: number): string => `The newest ${shown} of ${all} mails.`,
    to: 'To',
    links: 'Links',
    preview: (subject: string): string => `The mail “${subject}” as it looks`,
    plainText: 'Plain text',
    time: (at: Date): string =>
      new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'medium' }).format(at),
  },
} as const

/** Rounded up, so that nobody comes too early. */
function durationInWords(seconds: number): string {
  const [size, unit] = UNITS.find(([least]) => seconds >= 2 * least) ?? [1, 'second']
  return new Intl.NumberFormat(LANGUAGE, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(seconds / size))
}

const UNITS = [
  [24 * 60 * 60, 'day'],
  [60 * 60, 'hour'],
  [60, 'minute'],
] as const
