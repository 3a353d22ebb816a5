import { later } from './time.ts'

/** A signal that is given when patience ends, or with an outer one. `AbortSignal.any` is not everywhere yet. */
export interface Patience {
  readonly signal: AbortSignal
  /** From the beginning again. */
  renew(): void
  /** It cannot end any more. */
  stop(): void
  /** It ends now. */
  end(): void
}

export function createPatience(milliseconds: number, outer?: AbortSignal): Patience {
  const own = new AbortController()
  const end = (): void => own.abort()
  let stop = later(end, milliseconds)
  if (outer?.aborted) end()
  outer?.addEventListener('abort', end)
  return {
    signal: own.signal,
    end,
    renew() {
      stop()
      stop = later(end, milliseconds)
    },
    stop() {
      stop()
      outer?.removeEventListener('abort', end)
    },
  }
}
