import { paths } from '../../../protocol/paths.ts'
import { byOwner } from '../../sessions/actor.ts'
import type { Ending } from '../../sessions/ending.ts'
import type { EmailFlow } from '../flow.ts'

/** "This was not me", in the mail about a new device: ends exactly that session. */
export const notMe = ({ sessions }: { sessions: Pick<Ending, 'revokeIn'> }): EmailFlow => ({
  purpose: 'not_me',
  resource: null,
  page: paths.notMePage,
  lifetime: 30 * 24 * 60 * 60,
  askedBy: 'nobody',
  isUsedByPut: false,
  takesPassword: false,
  isBoundToAddress: true,
  async act(tx, { userId, sessionId }, { ip }) {
    if (sessionId === null) return false
    await sessions.revokeIn(tx, userId, sessionId, 'not_me', byOwner(ip))
    return true
  },
})
