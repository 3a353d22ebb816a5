/** The password once more, for what is not to be done by whoever finds a device unlocked. */
import { useActionState, useId, type ReactNode } from 'react'
import { Fault } from './fault.tsx'
import { client } from './hallpass.ts'
import { whatWentWrong } from './words.ts'

interface Props {
  /** What will be done then. */
  readonly what: string
  readonly onConfirmed: () => Promise<void>
  readonly onCancel: () => void
}

export function ConfirmPassword({ what, onConfirmed, onCancel }: Props): ReactNode {
  const id = useId()
  const [fault, confirm, isPending] = useActionState(async (_before: string | null, form: FormData) => {
    try {
      await client.reauthenticate({ password: form.get('password') as string })
      await onConfirmed()
      return null
    } catch (error) {
      return whatWentWrong(error, { invalid_credentials: 'This is not the password of your account.' })
    }
  }, null)
  return (
    <form action={confirm} className="inline">
      <Fault>{fault}</Fault>
      <label htmlFor={id}>Confirm with your password</label>
      <input id={id} name="password" type="password" autoComplete="current-password" required autoFocus />
      <div className="actions">
        <button disabled={isPending}>{what}</button>
        <button type="button" className="quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  )
}
