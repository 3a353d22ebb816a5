/** The same with react-native-keychain, for apps without Expo: give this to `createClient` as `storage`. */
import type { ClientStorage } from 'hallpass/client'
import {
  ACCESSIBLE,
  getGenericPassword,
  resetGenericPassword,
  setGenericPassword,
  STORAGE_TYPE,
  type SetOptions,
} from 'react-native-keychain'

/** @param service tells apart what several clients keep */
export function keychainStorage(service: string): ClientStorage {
  const options: SetOptions = {
    service,
    accessible: ACCESSIBLE.AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY,
    storage: STORAGE_TYPE.AES_GCM_NO_AUTH, // nobody is there to be asked for a finger
  }
  return {
    async read() {
      const kept = await getGenericPassword({ service })
      return kept === false ? null : kept.password
    },
    async write(value) {
      const isDone = await (value === null
        ? resetGenericPassword({ service })
        : setGenericPassword('session', value, options))
      // It says false where others throw. Whoever believes that a token was kept loses it.
      if (isDone === false) throw new Error('the keychain did not do it')
    },
  }
}
