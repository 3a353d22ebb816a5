/** Nobody knows yet whether somebody is signed in. That is no reason to send them away: it may be a tunnel. */
import { useState, type ReactNode } from 'react'
import { client } from './hallpass.ts'
import { SignIn } from './sign-in.tsx'
import { whyUnknown } from './words.ts'

/** @param because as the state of the session has it */
export function Waiting({ because }: { readonly because: string }): ReactNode {
  const [wantsToSignIn, setWantsToSignIn] = useState(false)
  if (wantsToSignIn) return <SignIn why={null} />
  return (
    <main className="narrow waiting">
      <p role="status">{whyUnknown(because)}</p>
      {because !== 'starting' && (
        <div className="actions">
          <button type="button" className="quiet" onClick={() => client.wake()}>
            Try now
          </button>
          <button type="button" className="quiet" onClick={() => setWantsToSignIn(true)}>
            Sign in anew
          </button>
        </div>
      )}
    </main>
  )
}
