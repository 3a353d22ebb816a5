/**
 * Time as a device knows it. A monotonic clock counts, since people set the other one; but it may stand still
 * while a laptop sleeps (Linux, macOS), which the other one notices. Whichever has seen more time go by is
 * believed: at worst a token is refreshed early, never late, and nobody is signed out by a clock.
 */

/** @returns milliseconds since it was started */
export type Stopwatch = () => number

export function startStopwatch(): Stopwatch {
  const monotonic = performance.now()
  const wall = Date.now()
  return () => Math.max(performance.now() - monotonic, Date.now() - wall)
}

/** A timer that keeps no process alive. @returns to stop it */
export function later(run: () => void, milliseconds: number): () => void {
  const timer = setTimeout(run, milliseconds)
  ;(timer as unknown as { unref?: () => void }).unref?.()
  return () => clearTimeout(timer)
}

/** Somewhere between the two, so that not all devices come at once. */
export const between = (least: number, most: number): number => least + Math.random() * (most - least)

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds))
