/** Clients of a real service, signed in without a password: hashing is slow, and not what most stories are about. */
import { createClient, type Client, type ClientOptions } from 'hallpass/client'
import type { SignedIn } from '../support/people.ts'

export type Session = Omit<SignedIn, 'email'>

/** What a sign-in is answered with is this session, made some other way; everything after that is real. */
export async function handOver(
  { accessToken, refreshToken, sessionId }: Session,
  options: Omit<ClientOptions, 'transport' | 'fetch'>,
): Promise<Client> {
  let answer: Response | undefined = Response.json({
    access_token: accessToken,
    expires_in: 300,
    refresh_token: refreshToken,
    session: { id: sessionId },
  })
  const client = createClient({
    ...options,
    transport: 'body',
    async fetch(input, init) {
      const given = answer ?? (await fetch(input, init))
      answer = undefined
      return given
    },
  })
  await client.signIn({ magicLinkToken: '' })
  return client
}
