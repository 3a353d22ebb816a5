/** Processor time from /proc: of a process with all it started, and of the whole machine. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** `getconf CLK_TCK`, which is 100 on every Linux that Node runs on. */
const TICKS_A_SECOND = 100

/**
 * Seconds that a process and its descendants took so far, with those that ended and were waited for: PostgreSQL's
 * backends come and go.
 */
export function treeTime(pid: number): number {
  const all = processes()
  const children = Map.groupBy(all.values(), ({ parent }) => parent)
  const ticksOf = (each: Process): number =>
    each.ticks + (children.get(each.pid) ?? []).reduce((sum, child) => sum + ticksOf(child), 0)
  const root = all.get(pid)
  if (root === undefined) throw new Error(`there is no process ${pid}`)
  return ticksOf(root) / TICKS_A_SECOND
}

/** Seconds that all processors were busy since the machine started. */
export function machineTime(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split(/\s+/, 9).map(Number)
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_A_SECOND
  )
}

export interface Process {
  readonly pid: number
  readonly name: string
  readonly parent: number
  readonly ticks: number
}

export function processes(): Map<number, Process> {
  const found = new Map<number, Process>()
  for (const entry of readdirSync('/proc')) {
    const each = /^\d+$/.test(entry) ? read(entry) : null
    if (each !== null) found.set(each.pid, each)
  }
  return found
}

/** proc_pid_stat(5). @returns null when it has ended meanwhile */
function read(pid: string): Process | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  const nameEnd = stat.lastIndexOf(')')
  const name = stat.slice(stat.indexOf('(') + 1, nameEnd)
  const fields = stat.slice(nameEnd + 2).split(' ')
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
  const ticks = [utime, stime, cutime, cstime].reduce<number>((sum, each) => sum + (each ?? 0), 0)
  return { pid: Number(pid), name, parent: Number(fields[1]), ticks }
}
