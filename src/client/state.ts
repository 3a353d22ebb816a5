/** What is known of the session on this device, and who wants to hear of it. */

import type { Details } from './errors.ts'
import { isSame } from './same.ts'

/** Why nobody is signed in. It is kept until the next sign-in. */
export interface End {
  /** As the service gave it (docs/refresh.md), null where nobody was signed in. */
  readonly reason: string | null
  /** The service's words for people, where it was the service that said so. */
  readonly message?: string
  /** All that it said: `ended_at`, `ended_by`. */
  readonly details?: Details
}

/** Objects are replaced, never changed: `===` tells whether anything did. */
export type SessionState =
  | { readonly status: 'signed_in'; readonly sessionId: string }
  | (End & { readonly status: 'signed_out'; readonly sessionId: null })
  | {
      /** Nobody can say yet. */
      readonly status: 'unknown'
      /** `starting`, or the code or `reason` of what went wrong: `unavailable`, `storage_failed` (locked), … */
      readonly because: string
      /** Of the session that was kept, most likely still good. */
      readonly sessionId: string | null
    }

/** Before anything is known. */
export const STARTING: SessionState = { status: 'unknown', because: 'starting', sessionId: null }

export interface Observable<Value> {
  readonly value: Value
  set(value: Value): void
  /** @returns to stop that */
  readonly subscribe: (listener: (value: Value) => void) => () => void
}

export function createObservable<Value>(value: Value): Observable<Value> {
  const listeners = new Set<(value: Value) => void>()
  return {
    get value() {
      return value
    },
    set(next) {
      if (isSame(next, value)) return
      value = next
      for (const listener of listeners) {
        // One that throws stops nobody else, and is told where uncaught errors are.
        queueMicrotask(() => listeners.has(listener) && listener(next))
      }
    },
    subscribe(listener) {
      const own = (next: Value): void => listener(next)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
