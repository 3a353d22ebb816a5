/** Rows by COPY, each a copy of one that the service itself has left, but for what has to be its own. */
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'

export interface Copies {
  readonly table: string
  /** The row that they are copies of: a column, and its value there. */
  readonly model: readonly [column: string, value: string]
  readonly rows: number
  /** The columns that differ, as COPY's text form has them. */
  readonly own: Readonly<Record<string, (row: number) => string>>
}

export async function copyRows(client: pg.Client, { table, model, rows, own }: Copies): Promise<void> {
  const columns = Object.entries(await readModel(client, table, model))
  const values = Object.values(own)
  const shared = columns.filter(([name]) => own[name] === undefined)
  const rest = shared.map(([, value]) => `\t${inCopyText(value)}`).join('')
  const names = [...Object.keys(own), ...shared.map(([name]) => name)].map((name) => pg.escapeIdentifier(name))
  const lineOf = (row: number): string => `${values.map((valueOf) => valueOf(row)).join('\t')}${rest}\n`

  const copyStreams = (await import('pg-copy-streams' as string)) as PgCopyStreams
  await pipeline(
    Readable.from(inPieces(rows, lineOf)),
    client.query(copyStreams.from(`copy ${pg.escapeIdentifier(table)} (${names.join(', ')}) from stdin`)),
  )
}

/** @returns the row's values as PostgreSQL writes them, by column */
export async function readModel(
  client: pg.Client,
  table: string,
  [column, value]: Copies['model'],
): Promise<Record<string, string | null>> {
  const { rows } = await client.query<Record<string, string | null>>({
    text: `select * from ${pg.escapeIdentifier(table)} where ${pg.escapeIdentifier(column)} = $1`,
    values: [value],
    types: { getTypeParser: () => (text: string) => text },
  })
  if (rows[0] === undefined) throw new Error(`there is no row in ${table} to copy`)
  return rows[0]
}

/** Installed for bench/ alone: `npm ci --prefix bench`. */
interface PgCopyStreams {
  from(text: string): Writable & pg.Submittable
}

export const inCopyText = (value: string | null): string =>
  value === null ? '\\N' : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n')

const ROWS_A_PIECE = 200

function* inPieces(rows: number, lineOf: (row: number) => string): Generator<string> {
  for (let first = 0; first < rows; first += ROWS_A_PIECE) {
    let piece = ''
    for (let row = first; row < Math.min(first + ROWS_A_PIECE, rows); row += 1) piece += lineOf(row)
    yield piece
  }
}
