import { readFileSync } from 'node:fs'

/** Of the pages for operators alone, after the style of every page. */
export const ADMIN_STYLE = readFileSync(new URL('./admin.css', import.meta.url), 'utf8')
