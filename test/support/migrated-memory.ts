/** An embedded store with every table and nothing in it, to begin from: to make one takes seconds. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openAsBlob, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { overPglite } from '../../src/server/database/embedded.ts'
import { openEmbedded } from '../../src/server/database/embedded-directory.ts'
import { migrateEmbedded } from '../../src/server/database/migrate.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The dump, for every process of a test run. suite.ts has it made before the first test. */
export const migratedMemory = (): Promise<Blob> => openAsBlob(fileName())

/** Kept between runs, until another PGlite or other migrations make another of it. */
export async function makeMigratedMemory(): Promise<void> {
  const file = fileName()
  if (existsSync(file)) return
  const pglite = await openEmbedded({ directory: 'memory://', log: () => undefined })
  const database = await overPglite(pglite, () => undefined)
  await migrateEmbedded(database.orm)
  const dump = await pglite.dumpDataDir('none')
  await database.close()
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, Buffer.from(await dump.arrayBuffer()))
  renameSync(`${file}.${process.pid}`, file)
}

function fileName(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(join(ROOT, 'migrations')).sort())
    hash.update(readFileSync(join(ROOT, 'migrations', name)))
  hash.update(readFileSync(join(ROOT, 'node_modules/@electric-sql/pglite/package.json')))
  return join(ROOT, 'node_modules/.cache', `embedded-${hash.digest('hex').slice(0, 16)}.tar`)
}
