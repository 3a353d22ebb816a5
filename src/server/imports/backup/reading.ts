/** The lines of a backup: what it is, then its rows in batches of one table. */
import type { z } from 'zod'
import { FORMAT, Header, Line } from './form.ts'

export type BackupHeader = z.output<typeof Header>

export interface Backup {
  readonly header: BackupHeader
  /** @throws where the backup ends before its end, or has what no backup has */
  readonly batches: AsyncIterable<{ readonly table: string; readonly rows: readonly unknown[] }>
}

const NO_BACKUP = 'this is no backup that hallpass export made'
const CUT_SHORT = 'this backup is cut short, or was changed: nothing of it was imported'
const BATCH = 500

/** @throws with words for people where it is no backup */
export async function createReadBackup(lines: AsyncIterable<string>): Promise<Backup> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  const { success, data: header } = Header.safeParse(first.done === true ? null : parse(first.value))
  if (!success) throw new Error(NO_BACKUP)
  if (header.hallpass_backup !== FORMAT) throw new Error('this backup is of another version of Hallpass')
  return { header, batches: batchesOf({ [Symbol.asyncIterator]: () => iterator }) }
}

async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<{ table: string; rows: unknown[] }> {
  let batch: { table: string; rows: unknown[] } | null = null
  let count = 0
  let end: number | null = null
  for await (const text of lines) {
    const { success, data: line } = Line.safeParse(parse(text))
    if (!success || end !== null) throw new Error(CUT_SHORT)
    if ('end' in line) {
      end = line.end
      continue
    }
    count += 1
    if (batch !== null && (batch.table !== line.table || batch.rows.length === BATCH)) {
      yield batch
      batch = null
    }
    batch ??= { table: line.table, rows: [] }
    batch.rows.push(line.row)
  }
  if (end !== count) throw new Error(CUT_SHORT)
  if (batch !== null) yield batch
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
