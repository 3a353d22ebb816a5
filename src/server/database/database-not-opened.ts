/** The database is there and cannot be opened. It was neither moved nor deleted. */
export class DatabaseNotOpened extends Error {
  override readonly name = 'DatabaseNotOpened'
  /** PGlite's own files, in the data directory. */
  readonly path: string

  constructor(path: string, reason: string, cause?: unknown) {
    super(`The embedded database in ${path} was not opened, and is left where it is: ${reason}`, { cause })
    this.path = path
  }
}
