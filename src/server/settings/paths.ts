import { resolve } from 'node:path'
import { InvalidValue, quoted } from './values.ts'
import type { Kind } from './values.ts'

/** A file, made absolute, so that a later change of directory cannot move it. */
export const path: Kind<string> = { parse: (text) => resolve(text), show: (file) => file }

/** In place of a data directory: nothing is kept. */
export const MEMORY = 'memory://'

/** A directory, made absolute, or `memory://` for none at all. */
export const dataDirectory: Kind<string> = {
  parse(text) {
    if (text === MEMORY) return text
    if (text.includes('://')) throw new InvalidValue(`must be a directory or memory://, not ${quoted(text)}`)
    return resolve(text)
  },
  show: (directory) => directory,
}
