/** From the sizes that were measured to those that were not: the model is docs/benchmarks.md's, and nothing else. */
import type { Shape } from './table.ts'

export interface Size {
  readonly sessions: number
  /** After the load. */
  readonly shape: Shape
}

/**
 * Of pages that are chosen at random, only the first change of each in a checkpoint interval writes it whole.
 * @returns whole pages for each refresh, of so many in an interval
 */
export function wholePagesExpected({ heapBytes }: Shape, refreshes: number): number {
  const pages = heapBytes / PAGE
  return (pages / refreshes) * (1 - Math.exp(-refreshes / pages))
}

const PAGE = 8192
const BEYOND = [100_000_000, 1_000_000_000]

export function printExpectations(sizes: readonly Size[]): void {
  console.log(
    '\n| sessions | heap, bytes each | key | rest | all, GB | the key, GB | its pages above the leaves, MB | its depth |',
  )
  console.log('|---:|---:|---:|---:|---:|---:|---:|---:|')
  for (const { sessions, shape } of sizes) print(sessions, shape, '')
  const largest = sizes.at(-1)
  if (largest === undefined) return
  for (const sessions of BEYOND) print(sessions, expected(sessions, largest.shape), ' (expected)')
}

/** Bytes grow with the rows; the key gains a level with each power of how many pages one page above them points to. */
function expected(sessions: number, { rows, heapBytes, keyBytes, otherBytes, leaves, inner }: Shape): Shape {
  const times = sessions / rows
  const fanOut = leaves / Math.max(1, inner)
  const allLeaves = leaves * times
  return {
    rows: sessions,
    heapBytes: heapBytes * times,
    keyBytes: keyBytes * times,
    otherBytes: otherBytes * times,
    leaves: allLeaves,
    inner: allLeaves / fanOut,
    depth: 1 + Math.ceil(Math.log(allLeaves) / Math.log(fanOut)),
  }
}

function print(sessions: number, shape: Shape, note: string): void {
  const { rows, heapBytes, keyBytes, otherBytes, inner, depth } = shape
  const each = (bytes: number): string => (bytes / rows).toFixed(1)
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)
  const cells = [
    each(heapBytes),
    each(keyBytes),
    each(otherBytes),
    gigabytes(heapBytes + keyBytes + otherBytes),
    gigabytes(keyBytes),
    ((inner * PAGE) / 1e6).toFixed(1),
    String(depth),
  ]
  console.log(`| ${sessions.toLocaleString('en')}${note} | ${cells.join(' | ')} |`)
}
