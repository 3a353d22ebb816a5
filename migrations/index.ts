/** Every migration, oldest first. A new one is one file and one line here. */
import { FirstLight } from './0001-first-light.ts'

export const migrations = [{ name: '0001-first-light', class: FirstLight }]
