import { paths } from '../../../protocol/paths.ts'
import { byOwner } from '../../sessions/actor.ts'
import type { AccountChanges } from '../../users/account-changes.ts'
import type { EmailFlow } from '../flow.ts'

/** The address of a new account is its owner's. */
export const confirm = ({ accounts }: { accounts: Pick<AccountChanges, 'confirm'> }): EmailFlow => ({
  purpose: 'confirm',
  resource: paths.emailConfirmations,
  page: paths.confirmPage,
  lifetime: 24 * 60 * 60,
  askedBy: 'anybody',
  isUsedByPut: true,
  takesPassword: false,
  isBoundToAddress: true,
  async act(tx, { userId }, { ip }) {
    await accounts.confirm(tx, userId, byOwner(ip))
    return true
  },
})
