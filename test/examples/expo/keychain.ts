/** react-native-keychain, over the same safe: it says false where nothing is kept, or nothing was done. */
import { safe } from './secure-store.ts'

export const ACCESSIBLE = { AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: 3 }
export const STORAGE_TYPE = { AES_GCM_NO_AUTH: 'KeystoreAESGCM_NoAuth' }

/** Nothing can be written, and nobody throws. */
export const trouble = { isFull: false }

export async function getGenericPassword({ service }: { service: string }): Promise<false | { password: string }> {
  const password = placeOf(service)
  return password === undefined ? false : { password }
}

export async function setGenericPassword(
  _username: string,
  password: string,
  { service, accessible }: { service: string; accessible: unknown },
): Promise<false | object> {
  placeOf(service)
  if (trouble.isFull) return false
  safe.kept.set(service, password)
  safe.accessibilities.add(accessible)
  return {}
}

export async function resetGenericPassword({ service }: { service: string }): Promise<boolean> {
  placeOf(service)
  safe.kept.delete(service)
  return true
}

function placeOf(service: string): string | undefined {
  if (safe.isLocked) throw new Error('User interaction is not allowed')
  return safe.kept.get(service)
}
