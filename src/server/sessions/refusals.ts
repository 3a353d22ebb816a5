/** Why a refresh was refused, in words for the person whose device it is. */
import type { RefusalReason } from '../../protocol/errors.ts'

const DESCRIPTIONS: Record<string, string> = {
  malformed: 'This is not a refresh token of this service. Sign in again.',
  unknown_session: 'This session no longer exists. Sign in again.',
  unknown_key: 'This process does not know the key of this token yet. Keep the token and try again.',
  wrong_client: 'This refresh token was issued to another client. Sign in again.',
  wrong_transport: 'This refresh token belongs to the other transport. Sign in again.',
  expired_idle: 'You were away for too long. Sign in again.',
  expired_absolute: 'This sign-in has reached its longest life. Sign in again.',
  insufficient_user_authentication: 'Confirm that it is you, then try again. The refresh token stays good.',
  signed_out: 'You signed out on this device. Sign in again.',
  revoked_by_user: 'You signed this device out from another one. Sign in again.',
  revoked_by_admin: 'An administrator signed this device out. Sign in again.',
  password_changed: 'The password of this account was changed. Sign in with the new one.',
  password_reset: 'The password of this account was reset. Sign in with the new one.',
  email_changed: 'The address of this account was changed. Sign in again.',
  account_disabled: 'This account is disabled.',
  account_deleted: 'This account was deleted.',
  token_reuse:
    'An old refresh token of this device was presented again, which can mean that it was copied. ' +
    'The session was ended for safety. Sign in again.',
  not_me: 'This sign-in was reported as not yours. Sign in again.',
  session_limit: 'You signed in on too many devices, and this one was used least recently. Sign in again.',
  'policy:browser': 'This session was used from another browser, and was ended for safety. Sign in again.',
  'policy:browser_downgrade':
    'This session was used from an older version of the browser, and was ended for safety. Sign in again.',
  'policy:os': 'This session was used from another kind of device, and was ended for safety. Sign in again.',
  'policy:country': 'This session was used from another country, and was ended for safety. Sign in again.',
  'policy:network': 'This session was used from another network, and was ended for safety. Sign in again.',
  'policy:idle': 'This device was not used for too long. Sign in again.',
  'policy:app_version': 'This version of the app is too old. Update it, then sign in again.',
  replaced: 'You signed in again in this browser, which replaced this session.',
}

export const describeRefusal = (reason: RefusalReason): string =>
  DESCRIPTIONS[reason] ?? 'This session was ended by a rule of this service. Sign in again.'
