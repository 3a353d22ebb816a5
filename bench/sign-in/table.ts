/** Rounds of each case as a line of docs/benchmarks.md: medians, but for what went wrong. */
import type { Result } from '../load/load.ts'
import { median } from '../report/quantiles.ts'
import type { Crowd, Entry } from './crowd.ts'

export interface Case {
  readonly refreshes: { readonly connections: number; readonly rate?: number } | null
  readonly crowd: Crowd['manners'] | null
}

export interface Round {
  readonly case: Case
  readonly refreshes: Result | null
  readonly entry: Entry | null
  /** The most memory that the server had meanwhile. Bytes. */
  readonly peak: number
}

const HEAD = `| refreshes | crowd | refreshes a second | p50, ms | p99, ms | longest, ms | sign-ins a second | put off a second | in after: median, ms | told to come later after: median, ms | most memory, MB | errors |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|`

export function tableOf(cases: readonly Case[], rounds: readonly Round[]): string {
  return [
    HEAD,
    ...cases.map((each) =>
      lineOf(
        each,
        rounds.filter((round) => round.case === each),
      ),
    ),
  ].join('\n')
}

function lineOf({ refreshes, crowd }: Case, rounds: readonly Round[]): string {
  const ofRefreshes = (figure: (result: Result) => number): string =>
    medianOf(rounds.map((round) => round.refreshes && figure(round.refreshes)))
  const ofEntries = (figure: (entry: Entry) => number): string =>
    medianOf(rounds.map((round) => round.entry && figure(round.entry)))
  const faults = rounds.flatMap((round) => [...(round.refreshes?.faults ?? []), ...(round.entry?.faults ?? [])])
  return `| ${[
    refreshes === null
      ? 'none'
      : refreshes.rate === undefined
        ? `${refreshes.connections} connections at full speed`
        : `${refreshes.rate} a second`,
    crowd ?? 'none',
    ofRefreshes(({ perSecond }) => perSecond),
    ofRefreshes(({ p50 }) => p50),
    ofRefreshes(({ p99 }) => p99),
    ofRefreshes(({ max }) => max),
    ofEntries(({ signedIn, lasted }) => signedIn / lasted),
    ofEntries(({ putOff, lasted }) => putOff / lasted),
    ofEntries(({ waits }) => median(waits)),
    ofEntries(({ refusals }) => median(refusals)),
    medianOf(rounds.map(({ peak }) => peak / 2 ** 20)),
    faults.length === 0 ? '0' : faults.join(' '),
  ].join(' | ')} |`
}

function medianOf(figures: readonly (number | null)[]): string {
  const known = figures.filter((figure) => figure !== null && !Number.isNaN(figure)) as number[]
  if (known.length === 0) return ''
  return median(known).toLocaleString('en', { maximumSignificantDigits: 4 })
}
