/** How much memory a process has in RAM. Linux only. */
import { readFileSync, writeFileSync } from 'node:fs'

/** The most since `forgetPeak`. Bytes. */
export const peakMemory = (pid: number): number => field(pid, 'VmHWM')
/** Node's own program included, which processes share. Bytes. */
export const residentMemory = (pid: number): number => field(pid, 'VmRSS')
/** Without files: heap, stacks, buffers. Bytes. */
export const ownMemory = (pid: number): number => field(pid, 'RssAnon')

/** proc(5): `clear_refs` */
export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

function field(pid: number, name: string): number {
  const [, kibibytes] =
    new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kibibytes) * 1024
}
