/** One start of the server, seen from outside. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownMemory, residentMemory } from '../machine/memory.ts'
import { treeTime } from '../machine/processor-time.ts'
import { median } from '../report/quantiles.ts'
import { startService } from '../services/service.ts'

export interface Start {
  /** From its birth to the first 200 of /readyz. Milliseconds, to some 20. */
  readonly ready: number
  /** What it had taken by then, in all threads. Milliseconds. */
  readonly processor: number
  /** When it has been left alone for a while. Bytes. */
  readonly resident: number
  readonly own: number
}

/** Milliseconds. */
const AT_REST_AFTER = 3_000

/**
 * @param cli its file, from the repository's root
 * @param flags of Node
 */
export async function startOnce(
  cli: string,
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Start> {
  const begin = performance.now()
  const service = await startService({
    argv: [...flags, resolve(cli), 'serve'],
    environment: (port) => ({ ...environment, PORT: String(port) }),
    healthPath: '/readyz',
  })
  const ready = performance.now() - begin
  const processor = treeTime(service.pid) * 1000
  await sleep(AT_REST_AFTER)
  const [resident, own] = [residentMemory(service.pid), ownMemory(service.pid)]
  await service.stop()
  return { ready, processor, resident, own }
}

/** @returns how long a program takes, in milliseconds: the median, after a first time that does not count */
export function timeOf(argv: readonly string[], rounds: number): number {
  const times: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const begin = performance.now()
    spawnSync(process.execPath, argv, { stdio: 'ignore' })
    times.push(performance.now() - begin)
  }
  return median(times.slice(1))
}
