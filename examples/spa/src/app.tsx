/** Three states, three views. */
import { useSession } from 'hallpass/client/react'
import type { ReactNode } from 'react'
import { client } from './hallpass.ts'
import { Home } from './home.tsx'
import { SignIn } from './sign-in.tsx'
import { Waiting } from './waiting.tsx'
import { whySignedOut } from './words.ts'

export function App(): ReactNode {
  const session = useSession(client)
  switch (session.status) {
    case 'unknown':
      return <Waiting because={session.because} />
    case 'signed_out':
      return <SignIn why={whySignedOut(session)} />
    case 'signed_in':
      return <Home key={session.sessionId} />
  }
}
