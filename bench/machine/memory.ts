/** How much memory a process has in RAM. Linux only. */
import { readFileSync, writeFileSync } from 'node:fs'

/** The most since `forgetPeak`. Bytes. */
export const peakMemory = (pid: number): number => field(pid, 'VmHWM')
export const residentMemory = (pid: number): number => field(pid, 'VmRSS')

/** proc(5): `clear_refs` */
export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

function field(pid: number, name: string): number {
  const [, kibibytes] =
    new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kibibytes) * 1024
}
