/** The words of the pages for operators. */
import type { InvalidMember } from '../../sessions/invalid-member.ts'
import { html, type Html } from '../html.ts'
import { texts } from '../texts.ts'
import { sessionsTexts, sessionTexts } from './session-texts.ts'

export type Words = string | Html

/** Asked before something that cannot be taken back. */
export interface Question {
  readonly title: string
  readonly words: readonly Words[]
  readonly button: string
}

const { language } = texts

const number = (count: number): string => new Intl.NumberFormat(language).format(count)

const TIME = new Intl.DateTimeFormat(language, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
  timeZone: 'UTC',
})

/** What is wrong with something that was entered, by the code that a program would be told. */
const faults: Record<string, string> = {
  invalid_ip: 'Enter an address or a block, such as 192.0.2.0/24.',
  invalid_version: 'Enter a version of numbers, such as 2.3.',
  invalid_text: 'Enter a text of at most 255 characters.',
  invalid_time: 'Enter a date and a time of day.',
  invalid_type: 'Enter an object: { … }.',
  invalid_characters: 'There are characters in it that no text may hold.',
  too_large: 'It is larger than 1 kB.',
  reserved_name: 'This name means something in access tokens already. Choose another one.',
  in_the_past: 'This time is over already.',
  pinned: 'A pinned session has no idle end.',
}

export const faultWords = ({ pointer, code }: Pick<InvalidMember, 'pointer' | 'code'>): string =>
  `${pointer.slice(1)}: ${faults[code] ?? code}`

export const words = {
  number,
  time: (at: Date): string => TIME.format(at),
  faults,
  nothing: 'Nothing yet.',
  never: 'never',
  more: 'Next page',
  older: 'Older events',
  cancel: 'No, go back',
  disabled: 'Disabled',
  roles: { admin: 'Administrator', user: 'User' },
  actors: { user: 'The person', admin: 'An administrator', system: 'The service' },
  places: {
    label: 'Administration',
    users: 'Users',
    sessions: 'Many sessions',
    keys: 'Keys',
    figures: 'Figures',
    webhooks: 'Webhooks',
  },
  confirm: {
    title: 'Confirm that it is you',
    why: 'You signed in more than ten minutes ago. To look at other people’s accounts, show that it is still you.',
    password: 'Password',
    missing: 'Enter your password.',
    wrong: 'This is not the password of your account.',
    button: 'Go on',
    byMail: {
      explanation:
        'Your account has no password, so sign in with a link by mail once more, in this browser. It leads back here.',
      button: 'Mail me a sign-in link',
    },
    elsewhere: 'Sign out and in again where you signed in before. Then come back here.',
  },
  stale: {
    title: 'Nothing was done',
    paragraphs: ['The page that asked for it was not made for this sign-in. Open it anew, and do it there.'],
    button: 'Open it anew',
  },
  find: {
    title: 'Users',
    field: 'Address, id or subject',
    button: 'Find',
    newest: 'Newest users',
    found: 'Found',
    nobody: 'There is nobody like that. Addresses and subjects are found whole, not by a part of them.',
    heads: ['User', 'Role', 'Live sessions', 'Since (UTC)'],
  },
  user: {
    title: 'User',
    account: 'Account',
    id: 'Id',
    address: 'Address',
    verified: '(confirmed)',
    unverified: '(not confirmed)',
    subject: 'Subject',
    role: 'Role',
    signsIn: 'Signs in',
    withPassword: 'with a password, or by mail',
    withoutPassword: 'without a password',
    since: 'Since (UTC)',
    disabledSince: 'Disabled since (UTC)',
    sessions: 'Sessions',
    sessionHeads: ['Device', 'State', 'Place', 'Last used (UTC)'],
    moreSessions: (shown: number, all: number): string =>
      `The ${number(shown)} used last, of ${number(all)}. All of them: hallpass sessions list.`,
    claims: 'Claims',
    claimsLabel: 'In every access token, as JSON',
    claimsHint:
      'An object of at most 1 kB, in place of what was there. Nobody is signed out; APIs that follow the feed see it within a second.',
    history: 'History',
    historyHeads: ['Time (UTC)', 'What', 'Session or key', 'Who', 'From'],
    actions: {
      disable: 'Disable account',
      disabled: 'The account is disabled, and every session of it has ended.',
      enable: 'Enable account',
      enabled: 'The account is enabled. Its owner can sign in again.',
      promote: 'Make administrator',
      promoted: 'This person is an administrator now.',
      demote: 'Take role away',
      demoted: 'This person is an administrator no more.',
      notOneself: 'You cannot take your own role away, or disable yourself. Ask another administrator.',
      endAll: 'End all sessions',
      ended: (count: number): string => `Ended: ${number(count)}.`,
      saveClaims: 'Save claims',
      claimsSaved: 'The claims are saved.',
      noJson: (fault: string): string => `This is no JSON: ${fault}`,
      claimsFault: (pointer: string, code: string): string => faultWords({ pointer, code }),
      askDisable: (name: Html, sessions: number): Question => ({
        title: 'Disable this account?',
        words: [
          html`${name} is signed out everywhere (live sessions: ${number(sessions)}), cannot sign in, and API keys of
          this account stop to work. You can enable it again; whoever was signed out has to sign in then.`,
        ],
        button: 'Disable account',
      }),
      askPromote: (name: Html): Question => ({
        title: 'Make an administrator?',
        words: [html`${name} will be able to do all that you can do here, to everybody.`],
        button: 'Make administrator',
      }),
      askEndAll: (name: Html): Question => ({
        title: 'End all sessions?',
        words: [html`${name} is signed out on every device, and can sign in again.`],
        button: 'End all sessions',
      }),
    },
  },
  session: sessionTexts,
  sessions: sessionsTexts(number),
  keys: {
    title: 'Keys',
    signing: 'Keys that sign access tokens',
    signingHeads: ['Key', 'Algorithm', 'State', 'Signs from (UTC)'],
    states: {
      next: 'next: published, and not yet used',
      active: 'active',
      retired: 'retired: no more used, and checked until its last token is over',
      withdrawn: 'withdrawn',
    },
    rotate: 'Make a new signing key',
    question: {
      title: 'Make a new signing key?',
      words: [
        'It is published at once and signs in ten minutes, when every API has had time to fetch it. Nobody is signed out. There is no way back, and no need for one.',
        'If a key has leaked: hallpass keys revoke.',
      ],
      button: 'Make a new signing key',
    },
    rotatedMeanwhile: 'There is a newer key already, made since this page was shown. Nothing was done.',
    rotated: (key: Html, from: Html): Words => html`${key} is made. It signs from ${from} UTC on.`,
    apiKeys: 'API keys',
    ofService: 'API keys of the service',
    make: 'They are made on the command line: hallpass api-keys create.',
    heads: ['Name', 'Scope', 'Last used (UTC)', 'Ends (UTC)', 'Revoke'],
    revoke: 'Revoke',
    revokeLabel: (name: string): string => `Revoke ${name}`,
    revokeQuestion: (name: Html): Question => ({
      title: 'Revoke this key?',
      words: [html`What uses ${name} gets in no more, at once and for good.`],
      button: 'Revoke key',
    }),
    revoked: 'The key is revoked.',
    gone: 'There is no such key, or no more.',
  },
  figures: {
    title: 'Figures',
    explanation: 'Of all processes together. Minutes are those of the clock: the first column begins anew with each.',
    sessions: 'Sessions',
    heads: ['What', 'This minute', 'Last hour', 'Last day'],
    names: {
      sign_in: 'Sign-ins',
      'refresh.rotated': 'Refreshes',
      'refresh.replayed': 'Replays: an answer was lost, or two asked at once',
      'refresh.recovered': 'Recoveries: the database had lost a commit',
      'refresh.reuse.late_predecessor': 'Reuse: the token before, too late',
      'refresh.reuse.old_token': 'Reuse: an old token',
      'refresh.reuse.imported_token': 'Reuse: a token of the system before',
    },
    policies: 'Policies',
    policyHeads: ['Rule', 'Action', '', 'This minute', 'Last hour', 'Last day'],
    did: 'done',
    wouldHave: 'would have been done',
    noPolicies: 'No rule tripped in a day.',
    at: (time: Html): Words => html`As of ${time} UTC.`,
  },
  webhooks: {
    title: 'Webhooks',
    explanation: 'To look at. They are made and changed on the command line: hallpass webhooks.',
    none: 'There are none.',
    url: 'URL',
    events: 'Events',
    all: 'all',
    state: 'State',
    waiting: 'Waiting',
    enabled: 'enabled',
    disabled: (reason: string, since: Html): Words => html`disabled (${reason}) since ${since} UTC`,
    failing: (since: Html): Words => html`failing since ${since} UTC`,
    deliveries: 'Last deliveries',
    heads: ['Time (UTC)', 'Event', 'Attempt', 'How it went', 'Again (UTC)'],
    delivered: (status: number | null): string => `delivered ${status ?? ''}`,
    failed: (why: string): string => `failed: ${why}`,
  },
} as const
