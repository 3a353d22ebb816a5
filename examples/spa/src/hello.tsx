/** A call to an API of one's own, with the access token. */
import { useActionState, type ReactNode } from 'react'
import { API, client } from './hallpass.ts'
import { whatWentWrong } from './words.ts'

export function Hello(): ReactNode {
  const [answer, ask, isPending] = useActionState(sayHello, null)
  return (
    <section aria-labelledby="hello">
      <h2 id="hello">The API</h2>
      <p>It checks the access token by itself, and hears at once when a device is signed out.</p>
      <form action={ask} className="row">
        <button disabled={isPending}>Say hello</button>
        <output>{answer}</output>
      </form>
    </section>
  )
}

/** A 401 here comes after a refresh and a second try: the client has seen to both. */
async function sayHello(): Promise<string> {
  try {
    const response = await client.fetch(`${API}/hello`)
    if (response.ok) return ((await response.json()) as { message: string }).message
    return response.status === 401 ? 'The API refuses this device.' : 'The API cannot answer now. Try again.'
  } catch (error) {
    return whatWentWrong(error)
  }
}
