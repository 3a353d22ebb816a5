import { type Client, HallpassError } from 'hallpass/client'

/** @returns what to tell the person, or null when they are in */
export async function signIn(client: Client, email: string, password: string): Promise<string | null> {
  try {
    await client.signIn({ email, password }, { remember: true })
    return null
  } catch (error) {
    if (!(error instanceof HallpassError)) throw error
    if (error.code === 'invalid_credentials') return 'The address or the password is wrong.'
    if (error.code === 'rate_limited') return `Too many attempts. Try again in ${error.retryAfter} seconds.`
    return 'That did not work just now. Please try again.'
  }
}
