/** The page around us, where there is one: on a server, in a worker and in React Native there is less, or nothing. */

interface Surroundings {
  addEventListener?(type: string, listener: () => void, options: { signal: AbortSignal }): void
  readonly document?: { readonly visibilityState: string; readonly baseURI?: string }
  readonly location?: { readonly href: string }
  readonly navigator?: { readonly locks?: Locks }
}

interface Locks {
  request<Result>(name: string, options: { signal: AbortSignal }, work: () => Promise<Result>): Promise<Result>
}

const surroundings = globalThis as unknown as Surroundings

export const isPage = (): boolean => !!surroundings.document
export const isHidden = (): boolean => surroundings.document?.visibilityState === 'hidden'
export const address = (): string | undefined => surroundings.document?.baseURI ?? surroundings.location?.href
export const webLocks = (): Locks | undefined => surroundings.navigator?.locks

/** `pageshow` is for a page from the back-forward cache, with all timers as they were. */
const RETURNS = ['visibilitychange', 'pageshow', 'online']

/** Called when a person comes back, or the network does; also when the person leaves. @param signal to stop that */
export function onReturn(run: () => void, signal: AbortSignal): void {
  for (const type of RETURNS) surroundings.addEventListener?.(type, run, { signal })
}
