/** A storage that fails, or takes its time, where a story wants it. */
import type { ClientStorage } from 'hallpass/client'

export interface Notebook extends ClientStorage {
  /** As it stands there. */
  text: string | null
  /** Until told otherwise. */
  fails: 'reading' | 'writing' | 'after writing' | null
  /** What is written takes that long. */
  slow: Promise<void> | null
  /** Everything that was ever written. */
  readonly written: (string | null)[]
}

export function createNotebook(name?: string): Notebook {
  const notebook: Notebook = {
    ...(name !== undefined && { name }),
    text: null,
    fails: null,
    slow: null,
    written: [],
    read() {
      if (notebook.fails === 'reading') throw new Error('the keychain is locked')
      return notebook.text
    },
    async write(value) {
      await notebook.slow
      if (notebook.fails === 'writing') throw new Error('the disk is full')
      notebook.text = value
      notebook.written.push(value)
      if (notebook.fails === 'after writing') throw new Error('nobody knows')
    },
  }
  return notebook
}
