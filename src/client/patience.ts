import { later } from './time.ts'

/** A signal that is given when patience ends, or with an outer one. `AbortSignal.any` is not everywhere yet. */
export interface Patience {
  readonly signal: AbortSignal
  /** From the beginning again. */
  readonly renew: () => void
  /** It cannot end any more. */
  readonly stop: () => void
  /** It ends now. */
  readonly abort: () => void
}

export function createPatience(milliseconds: number, outer?: AbortSignal): Patience {
  const own = new AbortController()
  const abort = (): void => {
    stop()
    own.abort()
  }
  const stop = (): void => {
    stopTimer()
    outer?.removeEventListener('abort', abort)
  }
  const renew = (): void => {
    stopTimer()
    stopTimer = later(abort, milliseconds)
  }
  let stopTimer = later(abort, milliseconds)
  outer?.addEventListener('abort', abort)
  if (outer?.aborted) abort()
  return { signal: own.signal, renew, stop, abort }
}
