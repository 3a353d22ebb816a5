/** Somebody else's PostgreSQL, to read from: one snapshot of it, and never more than some hundred rows at once. */
import pg from 'pg'

export interface ForeignPostgres {
  /** Rows as they come; times without a zone are UTC. @throws with words for people, and nothing of the rows */
  rows<Row>(text: string): AsyncGenerator<Row>
  close(): Promise<void>
}

const BATCH = 500
/** Messages about these name tables and columns, which the caller chose; others may quote what is in them. */
const ABOUT_NAMES = new Set(['42P01', '42703', '3F000', '42501'])

/** @param url with a password in it, perhaps: it is never shown */
export async function openForeignPostgres(url: string): Promise<ForeignPostgres> {
  const client = await inWords(async () => {
    const made = new pg.Client({
      connectionString: url,
      application_name: 'hallpass import',
      connectionTimeoutMillis: 5_000,
      options: '-c timezone=UTC -c datestyle=iso',
    })
    made.on('error', () => undefined)
    await made.connect()
    await made.query('begin isolation level repeatable read read only')
    return made
  })
  let cursors = 0

  return {
    async *rows<Row>(text: string) {
      const cursor = `import_${(cursors += 1)}`
      await inWords(() => client.query(`declare ${cursor} no scroll cursor for ${text}`))
      for (;;) {
        const { rows } = await inWords(() => client.query(`fetch ${BATCH} from ${cursor}`))
        yield* rows as Row[]
        if (rows.length < BATCH) break
      }
      await inWords(() => client.query(`close ${cursor}`))
    },
    close: () => client.end(),
  }
}

/** `schema.table` or `table`, as it stands in a query. */
export const quoteName = (name: string): string => name.split('.').map(pg.escapeIdentifier).join('.')

export const quoteText = (text: string): string => pg.escapeLiteral(text)

async function inWords<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const code =
      error instanceof Error && 'code' in error ? String(error.code) : 'is the URL right, and a password there?'
    const why = error instanceof Error && ABOUT_NAMES.has(code) ? error.message : code
    throw new Error(`the database at --from cannot be read: ${why}`)
  }
}
