/** What went wrong, where something did; read out as soon as it is there. */
import type { ReactNode } from 'react'

export function Fault({ children }: { readonly children: string | null }): ReactNode {
  return (
    children !== null && (
      <p className="fault" role="alert">
        {children}
      </p>
    )
  )
}
