import { readFileSync } from 'node:fs'

/** Tells times in the person's own time zone, and goes on telling them. */
export const TIMES_SCRIPT = readFileSync(new URL('./times.client.js', import.meta.url), 'utf8')
