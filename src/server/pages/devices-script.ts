import { readFileSync } from 'node:fs'
import { TIMES_SCRIPT } from './times-script.ts'

/** Keeps the list of devices up to date while it is looked at. */
export const DEVICES_SCRIPT = TIMES_SCRIPT + readFileSync(new URL('./devices.client.js', import.meta.url), 'utf8')
