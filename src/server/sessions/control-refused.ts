/** Why a session cannot be changed as it was asked; nothing changed then. */
export class ControlRefused extends Error {
  override readonly name = 'ControlRefused'
  readonly code: 'session_ended' | 'not_revivable'
  readonly reason: ControlRefusalReason

  constructor(reason: ControlRefusalReason) {
    super(DESCRIPTIONS[reason])
    this.code = reason === 'session_ended' ? 'session_ended' : 'not_revivable'
    this.reason = reason
  }
}

export type ControlRefusalReason = keyof typeof DESCRIPTIONS

const DESCRIPTIONS = {
  session_ended: 'This session has ended. Revive it first, or in the same request.',
  past_absolute_end: 'The longest life of this session is over. Say until when it is to go on.',
  account_disabled: 'The account is disabled. Enable it first.',
  account_deleted: 'The account was deleted. Nobody can be signed in to it any more.',
  not_revoked_by_owner: 'Only what its owner signed out can be undone here. Sign in on that device again.',
  too_late: 'This can be undone for ten minutes. Sign in on that device again.',
  expired: 'The time of this session is over. Sign in on that device again.',
  account_changed: 'The account was changed since, which ended every session of before. Sign in on that device again.',
} as const
