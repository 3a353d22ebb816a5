/** Every migration, oldest first. A new one is one file and one line here. */
import { FirstLight } from './0001-first-light.ts'
import { AccountsAndMail } from './0002-accounts-and-mail.ts'
import { RevocationFeed } from './0003-revocation-feed.ts'
import { Control } from './0004-control.ts'
import { Revived } from './0005-revived.ts'
import { History } from './0006-history.ts'
import { Webhooks } from './0007-webhooks.ts'
import { MovingIn } from './0008-moving-in.ts'

export const migrations = [
  { name: '0001-first-light', class: FirstLight },
  { name: '0002-accounts-and-mail', class: AccountsAndMail },
  { name: '0003-revocation-feed', class: RevocationFeed },
  { name: '0004-control', class: Control },
  { name: '0005-revived', class: Revived },
  { name: '0006-history', class: History },
  { name: '0007-webhooks', class: Webhooks },
  { name: '0008-moving-in', class: MovingIn },
]
