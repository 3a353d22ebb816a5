/** Another name for a device. */
import type { SessionInfo } from 'hallpass/client'
import { useActionState, type ReactNode } from 'react'
import { Fault } from './fault.tsx'
import { client } from './hallpass.ts'
import { whatWentWrong } from './words.ts'

interface Props {
  readonly device: SessionInfo
  readonly onDone: () => Promise<void>
  readonly onCancel: () => void
}

export function Rename({ device: { id, device }, onDone, onCancel }: Props): ReactNode {
  const [fault, rename, isPending] = useActionState(async (_before: string | null, form: FormData) => {
    try {
      await client.sessions.rename(id, (form.get('name') as string).trim() || null)
      await onDone()
      return null
    } catch (error) {
      return whatWentWrong(error)
    }
  }, null)
  return (
    <form action={rename} className="inline">
      <Fault>{fault}</Fault>
      <label htmlFor={`name-${id}`}>Name of this device</label>
      <input
        id={`name-${id}`}
        name="name"
        defaultValue={device.name ?? ''}
        placeholder={device.label}
        maxLength={100}
        autoComplete="off"
        autoFocus
      />
      <div className="actions">
        <button disabled={isPending}>Save</button>
        <button type="button" className="quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  )
}
