import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type ClientStorage, createClient } from 'hallpass/client'

/** For a program on a computer. Whoever can read the file is the device, so that nobody else can. */
export const fileStorage = (path: string): ClientStorage => ({
  async read() {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error // it is there, and cannot be read now: that is no reason to sign anybody out
    }
  },
  async write(value) {
    if (value === null) return rm(path, { force: true })
    await writeFile(`${path}.new`, value, { mode: 0o600 })
    await rename(`${path}.new`, path) // all of it, or nothing
  },
})

export const openClient = (issuer: string, path: string): ReturnType<typeof createClient> =>
  createClient({ issuer, transport: 'body', storage: fileStorage(path) })
