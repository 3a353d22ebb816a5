import { open } from 'node:fs/promises'
import { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { callerPath } from './caller-path.ts'
import { required } from './required.ts'

export function exportCommand(hallpass: Hallpass | null, write: Write): Command {
  return new Command('export')
    .description('everything in the store, as it is at this instant: accounts, devices, keys, history')
    .option('--out <file>', 'a new file, readable by you alone; standard output where this is left out')
    .action(async ({ out }: { out?: string }, command: Command) => {
      const { exportBackup } = required(hallpass)
      if (out === undefined) return void (await exportBackup(write))
      const count = await intoFile(callerPath(command, out), exportBackup)
      write(`exported ${count} rows to ${out}\n`)
    })
}

/** A file that is there already is not overwritten: it may be the only backup. */
async function intoFile(path: string, exportBackup: Hallpass['exportBackup']): Promise<number> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`the file cannot be made: ${error.code ?? error.name}`)
  })
  try {
    const count = await exportBackup((lines) => file.appendFile(lines))
    await file.sync()
    return count
  } finally {
    await file.close()
  }
}
