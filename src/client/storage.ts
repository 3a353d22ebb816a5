/** Where a device keeps what it must not lose. */

type Awaitable<Value> = Value | PromiseLike<Value>

/**
 * One text, written as a whole. A storage that cannot be read now (a locked keychain) has to throw: null means
 * that nothing was kept.
 */
export interface ClientStorage {
  read(): Awaitable<string | null>
  /** @param value null: nothing is kept any more */
  write(value: string | null): Awaitable<void>
  /** Shared by all who use this name: tabs of an origin. Left out, it is this client's own. */
  readonly name?: string
}

/** Until the page is closed or the process ends. */
export function memoryStorage(): ClientStorage {
  let kept: string | null = null
  return {
    read: () => kept,
    write(value) {
      kept = value
    },
  }
}

/** What all tabs of an origin share, and all its scripts can read; in memory where the browser grants nothing. */
export function webStorage(name: string): ClientStorage {
  try {
    const { localStorage } = globalThis as unknown as { localStorage: Storage }
    localStorage.setItem(`${name}?`, '') // some browsers refuse only now
    return { name, read: () => localStorage.getItem(name), write: (value) => localStorage.setItem(name, value ?? '') }
  } catch {
    return memoryStorage()
  }
}
