/** A page in TypeScript, with React or without. It is compiled here, and by a consumer of what is published. */
import { createClient, HallpassError, type SessionState } from 'hallpass/client'
import { useSession } from 'hallpass/client/react'

export const client = createClient({
  issuer: 'https://id.example',
  transport: 'cookie',
  apis: ['https://api.example'],
})

export const useName = (): string | null => useSession(client).sessionId

export function reasonOf(state: SessionState): string | null {
  // @ts-expect-error -- there is a reason only where nobody is signed in
  const always: string | null = state.reason
  return state.status === 'signed_out' ? state.reason : always
}

export async function orders(): Promise<string> {
  try {
    const response: Response = await client.fetch(new URL('https://api.example/orders'), { method: 'POST', body: 'x' })
    const [first] = await client.sessions.list({ status: 'all' })
    return (await response.text()) + (first?.device.name ?? first?.device.label ?? '')
  } catch (error) {
    return error instanceof HallpassError ? error.code : 'unknown'
  }
}

// @ts-expect-error -- how the refresh token travels has to be said
createClient({ issuer: 'https://id.example' })
