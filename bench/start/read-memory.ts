/** Memory of a process as the kernel counts it. Linux only. */
import { readFileSync } from 'node:fs'

/** Megabytes of 2^20 bytes. */
export interface Memory {
  /** What lies in memory, Node's own program included, which processes share. */
  readonly resident: number
  /** Without files: heap, stacks, buffers. */
  readonly own: number
}

export function readMemory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024
  return { resident: megabytes('VmRSS'), own: megabytes('RssAnon') }
}
