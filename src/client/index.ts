/** Face 3: what single-page and mobile apps use. */
export { createClient } from './client.ts'
export type { Client, ClientOptions, Credentials, Proof, SignInOptions } from './client.ts'
export { HallpassError } from './errors.ts'
export type { SessionInfo, Sessions } from './sessions.ts'
export type { SessionState } from './state.ts'
export { memoryStorage, webStorage } from './storage.ts'
export type { ClientStorage } from './storage.ts'
