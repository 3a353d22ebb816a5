/** The refresh token in the phone's own safe: the keychain of iOS, the keystore of Android. */
import {
  AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY,
  deleteItemAsync,
  getItemAsync,
  setItemAsync,
  type SecureStoreOptions,
} from 'expo-secure-store'
import type { ClientStorage } from 'hallpass/client'

/** Letters, digits, `.`, `-` and `_`. */
const KEY = 'session'

/** @param service tells apart what several apps, or several clients of one, keep */
export function secureStorage(service: string): ClientStorage {
  const options: SecureStoreOptions = {
    keychainService: service,
    // Also while the phone is locked, since apps run in the background; and never on another phone.
    keychainAccessible: AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY,
  }
  return {
    // Before the first unlock it rejects, and that has to stay so: null would mean that nobody is signed in.
    read: () => getItemAsync(KEY, options),
    // Half a kilobyte at most: SecureStore promises nothing beyond two.
    write: (value) => (value === null ? deleteItemAsync(KEY, options) : setItemAsync(KEY, value, options)),
  }
}
