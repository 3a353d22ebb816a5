import { paths } from '../../../protocol/paths.ts'
import type { AccountChanges } from '../../users/account-changes.ts'
import type { EmailFlow } from '../flow.ts'

/** The address that the mail went to becomes the account's. */
export const changeEmail = ({ accounts }: { accounts: Pick<AccountChanges, 'changeAddress'> }): EmailFlow => ({
  purpose: 'change_email',
  resource: paths.emailChanges,
  page: paths.changeEmailPage,
  lifetime: 24 * 60 * 60,
  askedBy: 'owner',
  isUsedByPut: true,
  takesPassword: false,
  isBoundToAddress: true,
  act: (tx, { userId, sentTo, sessionId }, { ip }) => accounts.changeAddress(tx, userId, sentTo, { sessionId, ip }),
})
