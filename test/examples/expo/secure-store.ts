/** expo-secure-store as a test has it: a phone's safe, which can be locked. */

export const AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY = 3

interface Options {
  readonly keychainService: string
  readonly keychainAccessible: number
}

export const safe = {
  isLocked: false,
  /** Values by service and key. */
  kept: new Map<string, string>(),
  /** Whom each write was meant to be readable for. */
  accessibilities: new Set<unknown>(),
}

export async function getItemAsync(key: string, options: Options): Promise<string | null> {
  return safe.kept.get(placeOf(key, options)) ?? null
}

export async function setItemAsync(key: string, value: string, options: Options): Promise<void> {
  const place = placeOf(key, options)
  safe.kept.set(place, value)
  safe.accessibilities.add(options.keychainAccessible)
}

export async function deleteItemAsync(key: string, options: Options): Promise<void> {
  safe.kept.delete(placeOf(key, options))
}

function placeOf(key: string, { keychainService }: Options): string {
  if (!/^[\w.-]+$/.test(key)) throw new Error('Invalid key provided to SecureStore')
  if (safe.isLocked) throw new Error('User interaction is not allowed')
  return `${keychainService}/${key}`
}
