/** A backup: NDJSON, which begins with what it is and ends with how much it was, so that none that was cut short is taken. */
import { z } from 'zod'

export const FORMAT = 1

export const Header = z.strictObject({
  hallpass_backup: z.number(),
  id: z.uuid(),
  made_at: z.iso.datetime(),
  /** Of HALLPASS_SECRET; tells nothing about it. */
  secret: z.string(),
  migrations: z.array(z.string()),
  tables: z.array(z.strictObject({ name: z.string(), columns: z.array(z.string()) })),
})

/** A row, or, as the last line, how many there were. */
export const Line = z.union([
  z.strictObject({ table: z.string(), row: z.record(z.string(), z.unknown()) }),
  z.strictObject({ end: z.number() }),
])
