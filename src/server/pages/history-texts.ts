/** The words of the history: the part of texts.ts that stands under `history`. What ended a session is told as in sessions/refusals.ts. */
import type { RevocationReason } from '../../protocol/errors.ts'
import type { HistoryEvent } from '../events/history.ts'
import type { PolicyRule } from '../sessions/policy.ts'
import { html, type Html } from './html.ts'

type Words = string | Html

/** What happened. */
export interface Happening {
  readonly event: Pick<HistoryEvent, 'type' | 'reason' | 'subtype' | 'actor' | 'details'>
  /** The device, or the key, that it happened to; never where a sentence begins. */
  readonly device: Html
  /** Another device from which it was done. */
  readonly from: Html | null
}

export interface Told {
  readonly what: Words
  /** What is worth a second look. */
  readonly mark: Words | null
  /** What to do about it. */
  readonly advice: Words | null
}

type Tell = (happening: Happening) => Words

export const historyTexts = {
  title: 'History',
  recent: 'Recent history',
  all: 'All of the history',
  explanation: (reset: Html): Words =>
    html`What happened to your account and your devices, the newest first. Is there something that was not you? Then
    ${reset}.`,
  empty: 'There is nothing here, or not any more.',
  older: 'Older',
  newest: 'Back to the newest',
  thisDevice: 'this device',
  /** Of a device that is over for so long that it is not kept any more. */
  forgotten: 'a former device',
  told,
} as const

const CHOOSE_ANEW = 'If you cannot explain it, choose a new password.'

function told(happening: Happening): Told {
  const { type, details } = happening.event
  return {
    what: (Object.hasOwn(events, type) ? events[type] : undefined)?.(happening) ?? somethingElse(type),
    mark: type === 'session.created' && details['new_device'] === true ? 'New device' : null,
    advice: adviceOn(happening.event),
  }
}

function adviceOn({ type, reason, subtype, details }: Happening['event']): string | null {
  if (subtype === 'late_predecessor')
    return 'A connection that was lost at the wrong moment can be the cause. Else choose a new password.'
  const rule = type === 'session.policy' ? details['rule'] : /^policy:(.*)/.exec(reason ?? '')?.[1]
  const isStrange = typeof rule === 'string' && !HARMLESS.includes(rule)
  return isStrange || reason === 'token_reuse' || reason === 'not_me' ? CHOOSE_ANEW : null
}

/** No thief is needed for them. */
const HARMLESS: readonly string[] = ['idle', 'app_version'] satisfies PolicyRule[]

/** There may be more types than there are words for. */
const somethingElse = (type: string): Words => html`Something else: <code>${type}</code>`

const isByAdmin = ({ event }: Happening): boolean => event.actor === 'admin'

const events: Record<string, Tell> = {
  'session.created': ({ event, device }) =>
    event.subtype === 'imported'
      ? html`Taken over from another system: the sign-in on ${device}`
      : html`Signed in on ${device}`,
  'session.revoked': (happening) => ended(happening),
  'session.expired': ({ device }) => html`An administrator ended the time of ${device}`,
  'session.revived': (happening) => {
    const { device, from } = happening
    if (isByAdmin(happening)) return html`An administrator let ${device} go on`
    return from === null ? html`Undone: ${device} was not signed out` : html`Undone from ${from}: signing out ${device}`
  },
  'session.updated': ({ device }) => html`An administrator changed the sign-in of ${device}`,
  'session.policy': ({ event, device }) => {
    const difference = differenceOf(event.details['rule'])
    return difference === null
      ? html`Something about ${device} was different`
      : html`Noticed of ${device}: ${difference}`
  },
  'session.reauthenticated': ({ device }) => html`Confirmed that it is you, on ${device}`,

  'user.created': (happening) => {
    if (happening.event.subtype === 'imported') return 'Account taken over from another system'
    return isByAdmin(happening) ? 'An administrator created the account' : 'Account created'
  },
  'user.confirmed': (happening) =>
    isByAdmin(happening) ? 'An administrator confirmed your address' : 'Address confirmed',
  'user.password_changed': ({ from }) => (from === null ? 'Password changed' : html`Password changed from ${from}`),
  'user.password_reset': () => 'New password set, by a link from a mail',
  'user.email_changed': (happening) => {
    if (isByAdmin(happening)) return 'An administrator changed your address'
    return happening.from === null ? 'Address changed' : html`Address changed from ${happening.from}`
  },
  'user.email_reverted': () => 'Address taken back, by the link in the mail to it',
  'user.disabled': () => 'An administrator disabled the account',
  'user.enabled': () => 'An administrator enabled the account again',
  'user.deleted': () => 'Account deleted',
  'user.claims_changed': () => 'An administrator changed what applications are told about you',
  'user.role_changed': () => 'An administrator changed whether you can administer this service',

  'api_key.created': ({ device, from }) =>
    from === null ? html`Created an API key, ${device}` : html`Created an API key from ${from}: ${device}`,
  'api_key.revoked': (happening) => {
    const { device, from } = happening
    if (isByAdmin(happening)) return html`An administrator ended an API key, ${device}`
    return from === null ? html`Ended an API key, ${device}` : html`Ended an API key from ${from}: ${device}`
  },
}

/** Each of them in its own words: the compiler asks for those of a reason that is new. */
const ends: Record<Exclude<RevocationReason, `policy:${string}`>, Tell> = {
  signed_out: ({ device }) => html`Signed out on ${device}`,
  revoked_by_user: ({ device, from }) =>
    from === null ? html`Signed out ${device}` : html`Signed out ${device} from ${from}`,
  revoked_by_admin: ({ device }) => html`An administrator signed out ${device}`,
  password_changed: ({ device }) => html`Signed out ${device}, as the password was changed`,
  password_reset: ({ device }) => html`Signed out ${device}, as a new password was set`,
  email_changed: ({ device }) => html`Signed out ${device}, as the address of the account was changed`,
  account_disabled: ({ device }) => html`Signed out ${device}, as the account was disabled`,
  account_deleted: ({ device }) => html`Signed out ${device}, as the account was deleted`,
  token_reuse: ({ device }) =>
    html`An old sign-in token of ${device} was used, which can mean that it was copied: the session was ended`,
  not_me: ({ device }) => html`Signed out ${device}: it was reported as not yours`,
  session_limit: ({ device }) => html`Signed out ${device}, as too many devices were signed in`,
  replaced: ({ device }) => html`Signed in again in the same browser, which replaced ${device}`,
}

function ended(happening: Happening): Words {
  const { device, event } = happening
  const reason = event.reason ?? ''
  if (Object.hasOwn(ends, reason)) return ends[reason as keyof typeof ends](happening)
  const difference = reason.startsWith('policy:') ? differenceOf(reason.slice('policy:'.length)) : null
  return difference === null
    ? html`Signed out ${device} by a rule of this service`
    : html`Signed out ${device} by a rule of this service: ${difference}`
}

/** What was different about a device, as a part of a sentence about it. */
export const policyDifferences: Record<PolicyRule, string> = {
  browser: 'it went on in another browser than before',
  os: 'it went on under another operating system than before',
  browser_downgrade: 'it went on in an older version of its browser than before',
  country: 'it went on in another country than before',
  network: 'it went on in another network than before',
  idle: 'it was away for long',
  app_version: 'its app is too old',
}

const differenceOf = (rule: unknown): string | null =>
  typeof rule === 'string' && Object.hasOwn(policyDifferences, rule) ? policyDifferences[rule as PolicyRule] : null
