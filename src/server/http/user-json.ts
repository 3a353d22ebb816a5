/** A user as operators are shown one. Never a hash. */
import type { UserDetails } from '../users/directory.ts'

export const userJson = (user: UserDetails): Record<string, unknown> => ({
  id: user.id,
  email: user.email,
  email_verified: user.isVerified,
  subject: user.subject,
  created_at: user.createdAt,
  disabled_at: user.disabledAt,
  role: user.role,
  claims: user.claims,
  has_password: user.hasPassword,
  sessions: user.sessions,
})
