/** What the verifier knows, kept in a file: an API that starts while Hallpass is away goes on from it. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import type { Verifier } from 'hallpass/verifier'

/** Before the first request. Resolves in any case: without a snapshot the API waits for Hallpass. */
export async function startFrom(verifier: Verifier, file: string, warn = console.warn): Promise<void> {
  try {
    await verifier.restore(await readFile(file, 'utf8'))
  } catch (error) {
    warn('no snapshot to start from', error)
  }
  await verifier.ready().catch((error: unknown) => warn('Hallpass is away', error))
}

/** Every minute, and when the process stops. */
export async function save(verifier: Verifier, file: string): Promise<void> {
  await writeFile(`${file}.new`, await verifier.snapshot(), { mode: 0o600 })
  await rename(`${file}.new`, file)
}
