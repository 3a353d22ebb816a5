/**
 * A button for what the service does only for somebody who proved lately who they are (RFC 9470). For everybody
 * else it turns into the question for the password, and then goes on.
 */
import { HallpassError } from 'hallpass/client'
import { useState, useTransition, type ReactNode } from 'react'
import { ConfirmPassword } from './confirm-password.tsx'
import { Fault } from './fault.tsx'
import { whatWentWrong } from './words.ts'

interface Props {
  readonly work: () => Promise<void>
  /** Where the words on the button do not say enough by themselves. */
  readonly label?: string
  readonly children: string
}

export function CarefulButton({ work, label, children }: Props): ReactNode {
  const [isAsking, setIsAsking] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const [isPending, startTransition] = useTransition()

  async function run(): Promise<void> {
    try {
      setFault(null)
      await work()
      setIsAsking(false)
    } catch (error) {
      if (wantsProof(error)) setIsAsking(true)
      else setFault(whatWentWrong(error))
    }
  }

  if (isAsking) {
    return <ConfirmPassword what={label ?? children} onConfirmed={run} onCancel={() => setIsAsking(false)} />
  }
  return (
    <>
      <button
        type="button"
        className="quiet"
        aria-label={label}
        disabled={isPending}
        onClick={() => startTransition(run)}
      >
        {children}
      </button>
      <Fault>{fault}</Fault>
    </>
  )
}

const wantsProof = (error: unknown): boolean =>
  error instanceof HallpassError && error.code === 'insufficient_user_authentication'
