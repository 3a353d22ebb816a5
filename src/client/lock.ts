/**
 * One at a time: all of a browser that use the same name (Web Locks), else all of this client. It saves
 * requests. That nobody is signed out does not rest on it, and so it never holds anybody up for long.
 */
import { LOCK_PATIENCE } from './figures.ts'
import { webLocks } from './page.ts'
import { createPatience } from './patience.ts'
import { createQueue, type InTurn } from './queue.ts'

/** @param name null: nobody else is meant */
export function createLock(name: string | null): InTurn {
  const locks = webLocks()
  if (!name || !locks) return createQueue()
  return (work) => {
    const { signal, stop } = createPatience(LOCK_PATIENCE)
    let hasBegun = false
    const begin = (): ReturnType<typeof work> => {
      hasBegun = true
      stop()
      return work()
    }
    return locks.request(name, { signal }, begin).catch((error: unknown) => {
      if (hasBegun) throw error
      return begin()
    })
  }
}
