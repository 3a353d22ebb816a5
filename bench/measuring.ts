/** Runs in turns: in each round every contestant once, so that what the machine does meanwhile meets all alike. */
import type { Contestant, Operation } from './contestants/contestant.ts'
import { startLoad, type Load, type Result } from './load/load.ts'

export interface Measured {
  readonly operation: string
  readonly contestant: string
  readonly round: number
  readonly result: Result
}

interface Conditions {
  readonly connections: readonly number[]
  readonly rounds: number
  readonly seconds: number
  readonly warmUp: number
  readonly heatUp: number
  readonly database: number | null
  readonly onResult: (measured: Measured) => void
}

const HEAT_UP_CONNECTIONS = 16

/** Those who do not know the operation sit it out. */
export async function measureInTurns(
  operation: Operation,
  contestants: readonly Contestant[],
  conditions: Conditions,
): Promise<Measured[]> {
  const { connections, rounds, database, onResult } = conditions
  const loads = new Map<Contestant, Load>()
  const results: Measured[] = []

  const run = (
    { service, beside = [] }: Contestant,
    load: Load,
    at: { connections: number; warmUp: number; seconds: number },
  ): Promise<Result> => load.run({ ...at, urls: [service.url], server: [service.pid, ...beside], database })

  try {
    for (const contestant of contestants) {
      const scenario = contestant.operations[operation]
      if (scenario !== undefined) loads.set(contestant, await startLoad(scenario))
    }
    for (const [contestant, load] of loads) {
      await run(contestant, load, { connections: HEAT_UP_CONNECTIONS, warmUp: 0, seconds: conditions.heatUp })
    }
    for (let round = 1; round <= rounds; round += 1) {
      for (const count of connections) {
        for (const [contestant, load] of loads) {
          const { warmUp, seconds } = conditions
          const result = await run(contestant, load, { connections: count, warmUp, seconds })
          const measured = { operation, contestant: contestant.name, round, result }
          results.push(measured)
          onResult(measured)
        }
      }
    }
    return results
  } finally {
    for (const load of loads.values()) load.stop()
  }
}
