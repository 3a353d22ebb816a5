/** Whoever may connect to the database may notify anything: no payload, and no listener, may end the process. */
export function guarded(work: () => void, onError: (error: Error) => void): void {
  try {
    work()
  } catch (error) {
    onError(error instanceof Error ? error : new Error('a subscriber failed'))
  }
}
