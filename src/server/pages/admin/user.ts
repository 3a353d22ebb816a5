/** `/admin/user`: one account, its sessions, keys and history, and what can be done about it. */
import { NIL as NOBODY, validate as isUuid } from 'uuid'
import { paths } from '../../../protocol/paths.ts'
import type { ApiKeys } from '../../api-keys/api-keys.ts'
import { Problem } from '../../errors.ts'
import type { History } from '../../events/history.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { AccountChanges } from '../../users/account-changes.ts'
import type { Directory } from '../../users/directory.ts'
import { createRevokeKey } from './keys.ts'
import { createUserActions } from './user-actions.ts'
import { userPage } from './user-views.ts'
import type { AdminPage } from './visit.ts'

/** Events on one page. */
const LISTED = 20

export function createUserPage(deps: {
  directory: Directory
  sessions: Pick<Sessions, 'list' | 'revokeAll'>
  apiKeys: Pick<ApiKeys, 'list' | 'revoke'>
  history: Pick<History, 'ofUser'>
  accounts: Pick<AccountChanges, 'amend'>
}): AdminPage {
  const { directory, sessions, apiKeys, history } = deps

  return {
    path: paths.adminUserPage,
    actions: {
      ...createUserActions(deps),
      // What is no id has no keys: those of the service itself are on another page.
      revoke_key: createRevokeKey(apiKeys, (id) => (isUuid(id) ? (id ?? '') : NOBODY)),
    },
    async show(visit, wanted, outcome) {
      const id = wanted.get('id')
      const user = isUuid(id) ? await directory.show(id ?? '') : null
      if (user === null) throw new Problem(404, 'not_found', 'There is no such user.')
      const [all, keys, events] = await Promise.all([
        sessions.list(user.id, 'all'),
        apiKeys.list(user.id),
        history.ofUser(user.id, { limit: LISTED, cursor: wanted.get('cursor') ?? null }),
      ])
      if (events === null) throw new Problem(400, 'invalid_request', 'This cursor is not one of a page before.')
      const isRefused = outcome !== null && 'fault' in outcome
      // What was entered is not lost by a mistake in it.
      const entered = isRefused ? (wanted.get('claims') ?? null) : null
      return userPage({ visit, user, sessions: all, keys, events, outcome, entered })
    },
  }
}
