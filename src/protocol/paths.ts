/** Every public path, relative to the issuer. */
export const paths = {
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  jwks: '/.well-known/jwks.json',
  metadata: '/.well-known/oauth-authorization-server',
  users: '/v1/users',
  me: '/v1/users/me',
  sessions: '/v1/sessions',
  currentSession: '/v1/sessions/current',
  session: '/v1/sessions/:id',
  reauthentication: '/v1/sessions/current/reauthentication',
  health: '/healthz',
  ready: '/readyz',
  devMailbox: '/dev/mailbox.json',
} as const
