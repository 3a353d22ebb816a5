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
  return COLUMNS.map(([column, type], index) => `${column} = $${first + index}::${type}`).join(', ')
}

const COLUMNS = [
  ['seen', 'bytea'],
  ['user_agent', 'text'],
  ['device_label', 'text'],
  ['device_type', 'text'],
  ['device_model', 'text'],
  ['browser_name', 'text'],
  ['browser_version', 'text'],
  ['os_name', 'text'],
  ['os_version', 'text'],
  ['app_name', 'text'],
  ['app_version', 'text'],
  ['location', 'jsonb'],
] as const

export const baselineValues = ({ seen, userAgent, device, place }: Baseline): Value[] => [
  seen,
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
  locationJson(place),
]

/** As the column `location` holds it: with the code, by which operators search. */
export const locationJson = (place: Place | null): string | null => place && JSON.stringify(place)
