/** A sign-out is noted first, and told to the service then; perhaps days later. */
import { isTerminal, toError } from './errors.ts'
import { newKey, type Kept, type Record } from './record.ts'
import type { Requests } from './requests.ts'
import { isSame } from './same.ts'

/**
 * Does nothing where none is noted.
 * @param token an access token of the session that is to end, where there is one
 * @throws {HallpassError} when the service cannot be told now
 */
export async function finishSignOut(requests: Requests, record: Record, token?: string): Promise<void> {
  const kept = await record.read()
  // Somebody may have cleared the storage; whose session it was, the token says.
  if (kept ? !kept.out : !token) return
  let next: Kept | null = null
  try {
    if (kept?.token) await requests.revoke(kept.token)
    else if (token) await requests.endSession(token)
    else if (kept) {
      // Nobody sees whose cookie it is: somebody may have signed in since, on a page of the service.
      const { access_token: fresh, session_id: sid } = await requests.refresh(kept)
      if ((kept.sid ?? sid) === sid) await requests.endSession(fresh)
      else next = { key: newKey(), sid }
    }
  } catch (cause) {
    const error = toError(cause)
    if (token && error.status === 401) return finishSignOut(requests, record)
    if (!isTerminal(error)) throw error
  }
  await record.change((now) => (isSame(now, kept) ? next : undefined))
}
