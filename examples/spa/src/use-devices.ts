/** The devices of the account, kept up to date while somebody looks. */
import type { SessionInfo } from 'hallpass/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { client } from './hallpass.ts'
import { whatWentWrong } from './words.ts'

export interface Devices {
  /** Newest use first; null until they are known. */
  readonly devices: readonly SessionInfo[] | null
  readonly fault: string | null
  /** For what was changed here. Of changes elsewhere it hears by itself. */
  readonly reload: () => Promise<void>
}

export function useDevices(): Devices {
  const [devices, setDevices] = useState<readonly SessionInfo[] | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const asked = useRef(0)

  const reload = useCallback(async () => {
    const mine = (asked.current += 1)
    const isLatest = (): boolean => mine === asked.current // answers may overtake each other
    try {
      const list = await client.sessions.list()
      if (!isLatest()) return
      setDevices(list)
      setFault(null)
    } catch (error) {
      if (isLatest()) setFault(whatWentWrong(error))
    }
  }, [])

  useEffect(() => {
    void reload()
    return client.sessions.onChange(() => void reload())
  }, [reload])

  return { devices, fault, reload }
}
