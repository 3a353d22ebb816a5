/** An embedded store with every table and nothing in it, to begin from: to make one takes seconds. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, openAsBlob, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { overPglite } from '../../src/server/database/embedded.ts'
import { openEmbedded } from '../../src/server/database/embedded-directory.ts'
import { migrateEmbedded } from '../../src/server/database/migrate.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FILE = join(ROOT, 'node_modules/.cache', `embedded-${fingerprint()}.tar`)

/** The dump, for every process of a test run. suite.ts has it made before the first test. */
export const migratedMemory = (): Promise<Blob> => openAsBlob(FILE)

/** Kept between runs, until another PGlite or other migrations make another of it. */
export async function makeMigratedMemory(): Promise<void> {
  if (existsSync(FILE)) return
  const pglite = await openEmbedded({ directory: 'memory://', log: () => undefined })
  const database = await overPglite(pglite, () => undefined)
  await migrateEmbedded(database.orm)
  const dump = await pglite.dumpDataDir('none')
  await database.close()
  const unfinished = `${FILE}.${process.pid}`
  mkdirSync(join(FILE, '..'), { recursive: true })
  writeFileSync(unfinished, withoutTemplates(Buffer.from(await dump.arrayBuffer())))
  renameSync(unfinished, FILE)
}

/** Blocks of a tar, bytes. */
const BLOCK = 512

/** Half of the files are databases to make others from (template1 and template0), which nobody does here. */
function withoutTemplates(tar: Buffer): Buffer {
  const kept: Buffer[] = []
  for (let at = 0; at < tar.length;) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '')
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8) || 0
    const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK
    if (!/^\/?base\/[14]\/./.test(name)) kept.push(tar.subarray(at, end))
    at = end
  }
  return Buffer.concat(kept)
}

function fingerprint(): string {
  const hash = createHash('sha256')
  const migrations = join(ROOT, 'migrations')
  for (const name of readdirSync(migrations).sort()) hash.update(readFileSync(join(migrations, name)))
  hash.update(readFileSync(join(ROOT, 'node_modules/@electric-sql/pglite/package.json')))
  hash.update(readFileSync(import.meta.filename))
  return hash.digest('hex').slice(0, 16)
}
