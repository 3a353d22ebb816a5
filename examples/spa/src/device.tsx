/** One device in the list. */
import type { SessionInfo } from 'hallpass/client'
import { useState, type ReactNode } from 'react'
import { CarefulButton } from './careful-button.tsx'
import { client } from './hallpass.ts'
import { Rename } from './rename.tsx'
import { since } from './times.ts'

interface Props {
  readonly device: SessionInfo
  readonly onChanged: () => Promise<void>
}

export function Device({ device: session, onChanged }: Props): ReactNode {
  const { id, current, device, last_used_at: lastUsed } = session
  const [isRenaming, setIsRenaming] = useState(false)
  const name = device.name ?? device.label

  async function signOut(): Promise<void> {
    await client.sessions.revoke(id)
    await onChanged()
  }

  async function afterRenaming(): Promise<void> {
    setIsRenaming(false)
    await onChanged()
  }

  return (
    <li>
      <div>
        <strong>{name}</strong>
        {current && <span className="tag">This device</span>}
        <small>
          {device.name !== null && `${device.label} · `}
          {current ? 'In use now' : `Last used ${since(lastUsed)}`}
          {` · ${placeOf(session)}`}
        </small>
      </div>
      {isRenaming ? (
        <Rename device={session} onDone={afterRenaming} onCancel={() => setIsRenaming(false)} />
      ) : (
        <div className="actions">
          <button type="button" className="quiet" aria-label={`Rename ${name}`} onClick={() => setIsRenaming(true)}>
            Rename
          </button>
          {!current && (
            <CarefulButton label={`Sign out ${name}`} work={signOut}>
              Sign out
            </CarefulButton>
          )}
        </div>
      )}
    </li>
  )
}

const placeOf = ({ location, ip }: SessionInfo): string =>
  [location?.city, location?.country].filter(Boolean).join(', ') || `IP address ${ip ?? 'unknown'}`
