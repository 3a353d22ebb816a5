/** Rounds become one line: medians, and ratios that are formed within a round. */
import type { Measured } from '../measuring.ts'
import { median } from './quantiles.ts'

export interface Line {
  readonly contestant: string
  readonly connections: number
  readonly perSecond: number
  /** How many times this contestant's rate the first one's is; null for the first itself. */
  readonly ratio: number | null
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Microseconds a request. */
  readonly server: number
  readonly database: number | null
  readonly load: number
  /** The largest share of others' processor time in a round. */
  readonly others: number
  /** Of all rounds. */
  readonly errors: number
}

/** @param measured of one operation; the contestant who comes first is the one that others are compared with */
export function linesOf(measured: readonly Measured[]): Line[] {
  const first = measured[0]?.contestant
  const connections = [...new Set(measured.map(({ result }) => result.connections))]
  const contestants = [...new Set(measured.map(({ contestant }) => contestant))]
  const roundsOf = (contestant: string, at: number): Measured[] =>
    measured.filter((each) => each.contestant === contestant && each.result.connections === at)
  return connections.flatMap((at) =>
    contestants.flatMap((contestant) => {
      const rounds = roundsOf(contestant, at)
      if (rounds.length === 0) return []
      return [lineOf(rounds, contestant === first ? null : roundsOf(first ?? '', at))]
    }),
  )
}

function lineOf(rounds: readonly Measured[], firsts: readonly Measured[] | null): Line {
  const results = rounds.map(({ result }) => result)
  const rateOfFirst = (round: number): number => firsts?.find((each) => each.round === round)?.result.perSecond ?? NaN
  const databases = results.map(({ cpu }) => cpu.database).filter((time) => time !== null)
  return {
    contestant: rounds[0]?.contestant ?? '',
    connections: results[0]?.connections ?? 0,
    perSecond: median(results.map((result) => result.perSecond)),
    ratio: firsts && median(rounds.map(({ round, result }) => rateOfFirst(round) / result.perSecond)),
    p50: median(results.map(({ p50 }) => p50)),
    p99: median(results.map(({ p99 }) => p99)),
    server: median(results.map(({ cpu }) => cpu.server)),
    database: databases.length === 0 ? null : median(databases),
    load: median(results.map(({ cpu }) => cpu.load)),
    others: Math.max(...results.map(({ cpu }) => cpu.others)),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
  }
}
