import { type Client, HallpassError } from 'hallpass/client'

/** @param askForPassword shows a form; null when the person would rather not */
export async function signOutOthers(client: Client, askForPassword: () => Promise<string | null>): Promise<number> {
  try {
    return await client.sessions.revokeOthers()
  } catch (error) {
    // What cannot be undone wants a person who proved who they are in the last ten minutes (RFC 9470).
    if (!(error instanceof HallpassError) || error.code !== 'insufficient_user_authentication') throw error
    const password = await askForPassword()
    if (password === null) return 0
    await client.reauthenticate({ password })
    return client.sessions.revokeOthers()
  }
}
