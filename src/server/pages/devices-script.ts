import { readFileSync } from 'node:fs'

/** Keeps the list of devices up to date while it is looked at. */
export const DEVICES_SCRIPT = readFileSync(new URL('./devices.client.js', import.meta.url), 'utf8')
