/** The devices that are signed in, and how to end them. */
import type { ReactNode } from 'react'
import { CarefulButton } from './careful-button.tsx'
import { Device } from './device.tsx'
import { Fault } from './fault.tsx'
import { client, HALLPASS } from './hallpass.ts'
import { useDevices } from './use-devices.ts'

export function Devices(): ReactNode {
  const { devices, fault, reload } = useDevices()

  async function signOutOthers(): Promise<void> {
    await client.sessions.revokeOthers()
    await reload()
  }

  return (
    <section aria-labelledby="devices">
      <h2 id="devices">Your devices</h2>
      <p>These are signed in to your account. Is there one that you do not know? Sign it out.</p>
      <Fault>{fault}</Fault>
      <ul className="devices">
        {devices?.map((device) => (
          <Device key={device.id} device={device} onChanged={reload} />
        ))}
      </ul>
      {devices !== null && devices.length > 1 && (
        <CarefulButton work={signOutOthers}>Sign out all other devices</CarefulButton>
      )}
      <p className="aside">
        The same list on a page of the service: <a href={`${HALLPASS}/devices`}>your devices</a>
      </p>
    </section>
  )
}
