/** Every type of event that the history records, and so what a webhook can ask for. docs/webhooks.md explains each. */
export const EVENT_TYPES: readonly string[] = [
  'session.created',
  'session.reauthenticated',
  'session.revoked',
  'session.expired',
  'session.revived',
  'session.updated',
  'session.policy',
  'user.created',
  'user.confirmed',
  'user.password_changed',
  'user.password_reset',
  'user.email_changed',
  'user.email_reverted',
  'user.disabled',
  'user.enabled',
  'user.deleted',
  'user.claims_changed',
  'user.role_changed',
  'api_key.created',
  'api_key.revoked',
]

/** What `hallpass webhooks test` sends, whatever a webhook asks for. */
export const PING = 'ping'
