import { paths } from '../../../protocol/paths.ts'
import type { AccountChanges } from '../../users/account-changes.ts'
import type { EmailFlow } from '../flow.ts'

/**
 * The way back for the owner of an address that was taken out of an account. It is not bound to the
 * account's address, since that is what it undoes, and a password reset does not end it.
 */
export const revertEmail = ({ accounts }: { accounts: Pick<AccountChanges, 'revertAddress'> }): EmailFlow => ({
  purpose: 'revert_email',
  resource: paths.emailReversions,
  page: paths.revertEmailPage,
  lifetime: 72 * 60 * 60,
  askedBy: 'nobody',
  isUsedByPut: true,
  takesPassword: false,
  isBoundToAddress: false,
  act: (tx, { userId, sentTo, createdAt }, { ip }) => accounts.revertAddress(tx, userId, sentTo, createdAt, ip),
})
