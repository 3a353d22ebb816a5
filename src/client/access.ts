/** An access token in the memory of this client, and how old it is. */
import { USABLE } from './figures.ts'
import { between, type Stopwatch } from './time.ts'

export interface Access {
  readonly token: string
  readonly sid: string
  /** It will still be good when it arrives. */
  isUsable(): boolean
  /** Until it should be replaced, though it is still good. Milliseconds, not below 0. */
  untilDue(): number
}

/**
 * @param life milliseconds
 * @param age since before it was asked for: `expires_in` counts from the service's answer, and so from later
 */
export function createAccess(token: string, sid: string, life: number, age: Stopwatch): Access {
  const due = life * between(0.75, 0.85)
  return {
    token,
    sid,
    isUsable: () => age() < life * USABLE,
    untilDue: () => Math.max(0, due - age()),
  }
}
