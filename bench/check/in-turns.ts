/** Processor time of two pieces of work that take turns, so that whatever else the machine does meets both alike. */

import { median } from '../report/quantiles.ts'

/** Does some of it. @returns the processor time of a piece, in any unit */
export type Turn = () => Promise<number>

/**
 * @param yardstick what never changes
 * @returns how many times the yardstick's processor time the work takes: the median of all turns
 */
export async function ratioInTurns({
  work,
  yardstick,
  turns,
}: {
  work: Turn
  yardstick: Turn
  turns: number
}): Promise<number> {
  const ratios: number[] = []
  let before = await yardstick()
  for (let turn = 0; turn < turns; turn += 1) {
    const worked = await work()
    const after = await yardstick()
    ratios.push(worked / ((before + after) / 2))
    before = after
  }
  return median(ratios)
}

/** @returns microseconds of all threads of this process */
export async function processorTimeOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
