/** What a session's row says of its device and network: what the next refresh is compared with, and what its owner is shown. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Value } from '../database/database.ts'
import type { Locate, Place } from '../location/location.ts'
import { describeDevice, deviceEvidence, type Device } from './device.ts'

export interface Baseline {
  readonly seen: Buffer
  readonly userAgent: string
  /** Its name is the person's, and stays. */
  readonly device: Omit<Device, 'name'>
  readonly ip: string | null
  readonly place: Place | null
}

/** What a request shows, read: this takes a while. */
export function readBaseline(headers: IncomingHttpHeaders, ip: string | null, seen: Buffer, locate: Locate): Baseline {
  const evidence = deviceEvidence(headers, null)
  return { seen, userAgent: evidence.userAgent, device: describeDevice(evidence), ip, place: locate(ip) }
}

/** For a `set` list; the values are those of `baselineValues`, bound from $`first` on. */
export function setBaseline(first: number): string {
  const device = DEVICE_COLUMNS.map(
    (column, index) =>
      `${column} = case when $${first + 2}::boolean then $${first + 3 + index}::text else ${column} end`,
  )
  return [`seen = $${first}::bytea`, `location = $${first + 1}::jsonb`, ...device].join(', ')
}

const DEVICE_COLUMNS = [
  'user_agent',
  'device_label',
  'device_type',
  'device_model',
  'browser_name',
  'browser_version',
  'os_name',
  'os_version',
  'app_name',
  'app_version',
] as const

/**
 * @param isDevice whether the session's device is what the request says: nobody has confirmed that a phone's session
 *   is a script's now, and its owner looks for the phone
 */
export const baselineValues = ({ seen, userAgent, device, place }: Baseline, isDevice: boolean): Value[] => [
  seen,
  locationJson(place),
  isDevice,
  userAgent,
  device.label,
  device.type,
  device.model,
  device.browser.name,
  device.browser.version,
  device.os.name,
  device.os.version,
  device.app.name,
  device.app.version,
]

/** As the column `location` holds it: with the code, by which operators search. */
export const locationJson = (place: Place | null): string | null => place && JSON.stringify(place)
