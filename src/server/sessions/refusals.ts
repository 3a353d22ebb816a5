/** Why a refresh was refused, in words for the person whose device it is; the pages say the same. */
import type { RefusalReason } from '../../protocol/errors.ts'
import { refreshRefused, type OAuthError } from '../errors.ts'
import type { EndingDevice, SessionEnd } from './session-end.ts'

/** What can be told of how it happened. */
interface Doing {
  readonly at: Date | null
  /** From which device, in words. */
  readonly from: string | null
}

const NOTHING: Doing = { at: null, from: null }
const FOR_SAFETY = 'To keep your account safe, the session was ended. Sign in again.'

/** `policy:<rule>` is a reason as well; what has no words here has those of `policy`. */
const DESCRIPTIONS: Record<string, string | ((doing: Doing) => string)> = {
  malformed: 'This is not a refresh token of this service. Sign in again.',
  unknown_session: 'This session no longer exists. Sign in again.',
  unknown_key: 'This process does not know the key of this token yet. Keep the token and try again.',
  wrong_client: 'This refresh token was issued to another client. Sign in again.',
  wrong_transport: 'This refresh token belongs to the other transport. Sign in again.',
  expired_idle: 'You were away for too long. Sign in again.',
  expired_absolute: 'This sign-in has reached its longest life. Sign in again.',
  insufficient_user_authentication: 'Confirm that it is you, then try again. The refresh token stays good.',
  signed_out: ({ at }) => `You signed out on this device${on(at)}. Sign in again.`,
  revoked_by_user: ({ from, at }) => `You signed this device out${how(from ?? 'from another one', at)}. Sign in again.`,
  revoked_by_admin: ({ at }) => `An administrator signed this device out${on(at)}. Sign in again.`,
  password_changed: ({ from, at }) =>
    `The password of this account was changed${how(from, at)}. ` +
    'Sign in with the new one, or ask for a new one by mail if it was not you.',
  password_reset: ({ at }) => `The password of this account was reset${on(at)}. Sign in with the new one.`,
  email_changed: ({ from, at }) => `The address of this account was changed${how(from, at)}. Sign in again.`,
  account_disabled: ({ at }) => `This account was disabled${on(at)}. Ask those who run this service.`,
  account_deleted: ({ from, at }) => `This account was deleted${how(from, at)}.`,
  token_reuse:
    'An old refresh token of this device was presented again, which can mean that it was copied. ' +
    'The session was ended for safety. Sign in again.',
  not_me: 'This sign-in was reported as not yours. Sign in again.',
  session_limit: ({ at }) =>
    `You signed in on too many devices, and this one had to make room: it was signed out${on(at)}. Sign in again.`,
  replaced: ({ at }) => `You signed in again in this browser${on(at)}, which replaced this session.`,
  policy: 'This session was ended by a rule of this service. Sign in again.',
  'policy:browser': `This session went on in another browser than before. ${FOR_SAFETY}`,
  'policy:os': `This session went on under another operating system than before. ${FOR_SAFETY}`,
  'policy:browser_downgrade': `This session went on in an older version of its browser than before. ${FOR_SAFETY}`,
  'policy:country': `This session went on in another country than before. ${FOR_SAFETY}`,
  'policy:network': `This session went on in another network than before. ${FOR_SAFETY}`,
  'policy:idle': 'You were away for longer than this service allows. Sign in again.',
  'policy:app_version': 'This version of the app is too old for this service. Update the app, then sign in again.',
}

/** @param from the device from which it was done, in words that fit where they will stand */
export function describeRefusal(reason: RefusalReason, doing: Doing = NOTHING): string {
  const words = DESCRIPTIONS[reason] ?? DESCRIPTIONS['policy'] ?? ''
  return typeof words === 'string' ? words : words(doing)
}

/** The same of a session that has ended. @param nameOf what to call the device from which it was done */
export const describeEnd = ({ reason, at, by }: SessionEnd, nameOf: (device: EndingDevice) => string | null): string =>
  describeRefusal(reason, { at, from: by && (by.isSame ? 'here' : fromDevice(nameOf(by))) })

const fromDevice = (name: string | null): string | null => name && `from ${name}`

/** The refusal of an ended session: in words, and for programs. */
export function refuseEnded(end: SessionEnd): OAuthError {
  const { at, by } = end
  const ended = at && {
    ended_at: at.toISOString(),
    ended_by: by && { session_id: by.sessionId, device: by.name ?? by.label },
  }
  return refreshRefused(end.reason, describeEnd(end, plainName), true, ended ?? {})
}

/** Of what its owner called it and what we call it the first that RFC 6749 (appendix A.8) lets stand in its words. */
const plainName = ({ name, label }: EndingDevice): string | null =>
  [name, label].find((text) => text !== null && PLAIN.test(text)) ?? null

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/

const how = (from: string | null, at: Date | null): string =>
  from === null ? on(at) : ` ${from}${at === null ? '' : `,${on(at)}`}`

/** In the time of the whole world, as nobody told us which is theirs. Without a year: history is kept for weeks. */
const on = (at: Date | null): string => (at === null ? '' : ` on ${DAY.format(at)} at ${TIME.format(at)} UTC`)

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' })
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' })
