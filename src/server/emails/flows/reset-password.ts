import { paths } from '../../../protocol/paths.ts'
import type { AccountChanges } from '../../users/account-changes.ts'
import type { EmailFlow } from '../flow.ts'

/** A new password for who has the mailbox; whatever let anybody in before is over. */
export const resetPassword = ({ accounts }: { accounts: Pick<AccountChanges, 'resetPassword'> }): EmailFlow => ({
  purpose: 'reset_password',
  resource: paths.passwordResets,
  page: paths.resetPage,
  lifetime: 30 * 60, // OWASP Forgot Password Cheat Sheet
  askedBy: 'anybody',
  isUsedByPut: true,
  takesPassword: true,
  isBoundToAddress: true,
  async act(tx, { userId }, { passwordHash, ip }) {
    if (passwordHash === null) return false
    await accounts.resetPassword(tx, userId, passwordHash, ip)
    return true
  },
})
