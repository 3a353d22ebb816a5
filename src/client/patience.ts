import { later } from './time.ts'

/** A signal that is given when patience ends. `AbortSignal.timeout` can neither be renewed nor stopped. */
export interface Patience {
  readonly signal: AbortSignal
  /** From the beginning again. */
  readonly renew: () => void
  /** It cannot end any more. */
  readonly stop: () => void
  /** It ends now. */
  readonly abort: () => void
}

export function createPatience(milliseconds: number): Patience {
  const controller = new AbortController()
  const abort = (): void => {
    stop()
    controller.abort()
  }
  const stop = (): void => stopTimer()
  const renew = (): void => {
    stop()
    stopTimer = later(abort, milliseconds)
  }
  let stopTimer = later(abort, milliseconds)
  return { signal: controller.signal, renew, stop, abort }
}
