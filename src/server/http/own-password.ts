import type { RateLimits } from '../rate-limits/rate-limits.ts'
import type { Users } from '../users/users.ts'

/**
 * Whether somebody who is signed in knows the password of their account; counted as an attempt.
 * @throws {RateLimited}
 * @throws {Unavailable} when too many passwords are being checked
 */
export async function isOwnPassword(
  deps: { users: Pick<Users, 'checkPassword'>; rateLimits: Pick<RateLimits, 'beforePasswordCheck'> },
  userId: string,
  password: string,
): Promise<boolean> {
  const attempt = await deps.rateLimits.beforePasswordCheck(userId)
  if ((await deps.users.checkPassword(userId, password)) === null) return false
  await attempt.succeeded()
  return true
}
