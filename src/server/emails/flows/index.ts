/** Every flow. A new one is one file and one line here; its routes and its page follow. */
import type { Ending } from '../../sessions/ending.ts'
import type { AccountChanges } from '../../users/account-changes.ts'
import type { EmailFlow } from '../flow.ts'
import { changeEmail } from './change-email.ts'
import { confirm } from './confirm.ts'
import { magicLink } from './magic-link.ts'
import { notMe } from './not-me.ts'
import { resetPassword } from './reset-password.ts'
import { revertEmail } from './revert-email.ts'

export const createFlows = (deps: { accounts: AccountChanges; sessions: Ending }): readonly EmailFlow[] => [
  confirm(deps),
  magicLink,
  resetPassword(deps),
  changeEmail(deps),
  revertEmail(deps),
  notMe(deps),
]
