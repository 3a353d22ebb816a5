/** Much work in small pieces, so that nobody waits for it. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds. */
const SHORTEST_REST = 10
const LONGEST_REST = 1_000

/**
 * Does `piece` again and again, and rests after each for as long as it took: at least half of the time
 * belongs to others.
 * @param piece returns whether something is left
 * @returns whether something was left when the signal came
 */
export async function inPieces(signal: AbortSignal, piece: () => Promise<boolean>): Promise<boolean> {
  while (!signal.aborted) {
    const begin = performance.now()
    if (!(await piece())) return false
    const took = performance.now() - begin
    const rest = Math.min(Math.max(took, SHORTEST_REST), LONGEST_REST)
    await sleep(rest, undefined, { signal }).catch(() => undefined)
  }
  return true
}
