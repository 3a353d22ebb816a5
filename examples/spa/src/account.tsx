/** Who is signed in, as the service knows them. */
import { useEffect, useState, type ReactNode } from 'react'
import { client, HALLPASS } from './hallpass.ts'

export function Account(): ReactNode {
  const [email, setEmail] = useState<string | null>(null)
  useEffect(() => {
    fetchEmail().then(setEmail, () => undefined) // the rest of the page says what is the matter
  }, [])
  return (
    <header>
      <strong>Postcards</strong>
      <span className="who">{email}</span>
      <button type="button" className="quiet" onClick={() => void client.signOut()}>
        Sign out
      </button>
    </header>
  )
}

async function fetchEmail(): Promise<string | null> {
  const response = await client.fetch(`${HALLPASS}/v1/users/me`)
  return response.ok ? ((await response.json()) as { email: string | null }).email : null
}
