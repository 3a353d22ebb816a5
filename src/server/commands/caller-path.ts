import { resolve } from 'node:path'
import type { Command } from 'commander'

/** A file that a command names, as its caller means it. */
export function callerPath(command: Command, path: string): string {
  const { inDirectory = process.cwd() } = command.optsWithGlobals<{ inDirectory?: string }>()
  return resolve(inDirectory, path)
}
