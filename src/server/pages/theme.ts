/** What an operator makes of the pages' look: read and checked once, at the start. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '../config.ts'

export interface Theme {
  /** Comes after our own style; empty for none. */
  readonly style: string
  /** A `data:` URL, shown in place of our badge; null for none. */
  readonly logo: string | null
}

export interface ThemeSettings {
  /** The path of a CSS file. */
  readonly theme: string | null
  /** The path of an SVG or PNG file. */
  readonly logo: string | null
}

/** It goes out with every page. Bytes. */
const LARGEST_STYLE = 16 * 1024
const LARGEST_LOGO = 64 * 1024

/** The policy of the pages loads nothing, so what would load something has no place in a theme. */
const REFUSED = [
  { pattern: /<\/style/i, name: '</style' },
  { pattern: /@import/i, name: '@import' },
  { pattern: /\burl\(/i, name: 'url(' },
]

/** @throws {ConfigError} all that is wrong with either file */
export function readTheme({ theme, logo }: ThemeSettings): Theme {
  const faults: string[] = []
  const read = {
    style: theme === null ? '' : readStyle(theme, faults),
    logo: logo === null ? null : readLogo(logo, faults),
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return read
}

function readStyle(path: string, faults: string[]): string {
  const bytes = readFile('HALLPASS_THEME', path, LARGEST_STYLE, faults)
  const text = bytes && textOf(bytes)
  if (bytes !== null && text === null) faults.push(`HALLPASS_THEME names ${path}, which is not text in UTF-8`)
  if (text === null) return ''
  for (const { pattern, name } of REFUSED) {
    if (pattern.test(text))
      faults.push(`HALLPASS_THEME names ${path}, which has ${name} in it: pages load nothing, leave it out`)
  }
  return text
}

function readLogo(path: string, faults: string[]): string | null {
  const bytes = readFile('HALLPASS_LOGO', path, LARGEST_LOGO, faults)
  if (bytes === null) return null
  const type = bytes.subarray(0, PNG.length).equals(PNG) ? 'image/png' : isSvg(bytes) ? 'image/svg+xml' : null
  if (type === null) faults.push(`HALLPASS_LOGO names ${path}, which is neither an SVG nor a PNG`)
  return `data:${type};base64,${bytes.toString('base64')}`
}

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')

/** Within an `img` it runs no script and loads nothing, whatever else is in it. */
const isSvg = (bytes: Buffer): boolean => /<svg[\s>]/.test(textOf(bytes) ?? '')

/** As a browser will see it, which hashes line ends as it has normalised them (HTML section 13.2.3.5); null for no text. */
function textOf(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? null : text.replaceAll(/\r\n?/g, '\n')
  } catch {
    return null
  }
}

function readFile(setting: string, path: string, largest: number, faults: string[]): Buffer | null {
  try {
    const bytes = readFileSync(path)
    if (bytes.length <= largest) return bytes
    faults.push(`${setting} names ${path}, which is larger than ${largest / 1024} kB: every page carries it`)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    faults.push(`${setting} names ${path}, which must be a readable file (${reason})`)
  }
  return null
}
