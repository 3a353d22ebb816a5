/** CSV (RFC 4180) with a header; one with the column `user` has sessions, any other accounts. An empty cell is absent. */
import { pipeline } from 'node:stream'
import { textOf } from './file.ts'
import type { Item, Source } from './source.ts'

/** Cells of these are JSON. */
const OBJECTS = new Set(['claims', 'data'])
const TRUTHS: Readonly<Record<string, boolean>> = { true: true, false: false }

export const csvSource = (path: string): Source =>
  async function* () {
    const { parse } = await import('csv-parse') // not before somebody imports
    const skipped: Item[] = []
    const parser = parse({
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip: (error) => {
        const line = error && 'lines' in error ? Number(error['lines']) : 0
        skipped.push({
          kind: 'fault',
          where: `line ${line}`,
          fault: 'it has not the columns of the header, or is no CSV',
        })
        return undefined
      },
    })
    pipeline(textOf(path), parser, () => undefined) // whatever fails, the loop below throws it
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      yield* skipped.splice(0)
      yield itemOf(record, `line ${info.lines}`)
    }
    yield* skipped
  }

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

function itemOf(record: Readonly<Record<string, string>>, where: string): Item {
  const members = Object.fromEntries(
    Object.entries(record).flatMap(([name, cell]) => (cell === '' ? [] : [[name, valueOf(name, cell)]])),
  )
  return 'user' in record ? { kind: 'session', where, members, keptToken: null } : { kind: 'user', where, members }
}

/** A cell of JSON that is none stays text, which the check of the record refuses. */
function valueOf(name: string, cell: string): unknown {
  if (!OBJECTS.has(name)) return name === 'disabled' || name === 'email_verified' ? (TRUTHS[cell] ?? cell) : cell
  try {
    return JSON.parse(cell)
  } catch {
    return cell
  }
}
