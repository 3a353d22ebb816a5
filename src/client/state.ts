/** What is known of the session on this device, and who wants to hear of it. */

/** Objects are replaced, never changed: `===` tells whether anything did. */
export type SessionState =
  | { readonly status: 'signed_in'; readonly sessionId: string }
  /** `reason` as the service gave it (docs/http.md), null where nobody was signed in. */
  | { readonly status: 'signed_out'; readonly sessionId: null; readonly reason: string | null }
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
      if (JSON.stringify(next) === JSON.stringify(value)) return
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
