/** What somebody sees who is signed in. */
import type { ReactNode } from 'react'
import { Account } from './account.tsx'
import { Devices } from './devices.tsx'
import { Hello } from './hello.tsx'

export function Home(): ReactNode {
  return (
    <>
      <Account />
      <main>
        <Hello />
        <Devices />
      </main>
    </>
  )
}
