/** docs/benchmarks.md, in which one section is written by `npm run bench` and the rest by hand. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))
const BEGIN = '<!-- npm run bench: begin -->'
const END = '<!-- npm run bench: end -->'

/** @throws where the document has lost its marks */
export function writeSection(text: string): void {
  const document = readFileSync(DOCUMENT, 'utf8')
  const [before, rest] = document.split(BEGIN)
  const [, after] = rest?.split(END) ?? []
  if (before === undefined || after === undefined)
    throw new Error(`${DOCUMENT} has no place between ${BEGIN} and ${END}`)
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${text.trim()}\n\n${END}${after}`)
}
