/** The one client of this app. */
import { getRandomValues } from 'expo-crypto'
import { modelName, osVersion } from 'expo-device'
import { fetch } from 'expo/fetch'
import { createClient } from 'hallpass/client'
import { AppState, Platform } from 'react-native'
import { appHeader } from './app-header.ts'
import app from './app.json'
import { secureStorage } from './secure-storage.ts'

export const HALLPASS = process.env['EXPO_PUBLIC_HALLPASS'] ?? 'http://localhost:3000'

// Hermes has no random numbers of its own, and the client does not start without.
if (globalThis.crypto === undefined) Object.assign(globalThis, { crypto: { getRandomValues } })

export const client = createClient({
  issuer: HALLPASS,
  transport: 'body',
  storage: secureStorage('hallpass'),
  app: appHeader({
    name: app.expo.name,
    version: app.expo.version,
    os: Platform.select({ ios: 'iOS', android: 'Android', default: Platform.OS }),
    osVersion,
    model: modelName,
  }),
  fetch, // unlike React Native's own it gives streams, which `follow` reads
  follow: true,
})

AppState.addEventListener('change', (state) => {
  if (state === 'active') client.wake()
})
