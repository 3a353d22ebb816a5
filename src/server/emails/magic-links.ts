/** What a magic link is good for: to sign in, or to show that it is still you. */
import type { Session } from '../sessions/session.ts'
import type { Sessions, StartedSession } from '../sessions/sessions.ts'
import type { SignIn } from '../sessions/sign-in.ts'
import type { AccountChanges } from '../users/account-changes.ts'
import type { Emails } from './emails.ts'

export interface MagicLinks {
  /** Whose it is, and the client that asked for it. Uses nothing up. @returns null for a link that is not good */
  inspect(token: string): Promise<{ userId: string; clientId: string | null } | null>
  /** @returns null for a link that is not good; a sign-in that fails has not used it up */
  signIn(token: string, signIn: Omit<SignIn, 'userId' | 'passwordVersion' | 'amr'>): Promise<StartedSession | null>
  /** @returns false for a link that is not good, or is somebody else's, whose it still is then */
  confirms(token: string, session: Session, ip: string | null): Promise<boolean>
}

export function createMagicLinks(deps: {
  emails: Emails
  accounts: Pick<AccountChanges, 'claim' | 'confirm'>
  sessions: Pick<Sessions, 'startIn'>
}): MagicLinks {
  const { emails, accounts, sessions } = deps
  return {
    inspect: (token) => emails.inspect('magic_link', token),

    async signIn(token, signIn) {
      const { result } = await emails.use('magic_link', token, {
        ip: signIn.ip,
        async alongside(tx, { userId }) {
          await accounts.claim(tx, userId, signIn.ip)
          return sessions.startIn(tx, { ...signIn, userId, passwordVersion: null, amr: ['otp'] })
        },
      })
      return result ? { session: result.session, tokens: await result.issue() } : null
    },

    async confirms(token, { userId, id: sessionId }, ip) {
      const { kind } = await emails.use('magic_link', token, {
        ip,
        userId,
        async alongside(tx) {
          // Whoever holds a session of this account and its mailbox is no stranger to either.
          await accounts.confirm(tx, userId, { kind: 'user', sessionId, ip })
          return true
        },
      })
      return kind === 'done'
    },
  }
}
