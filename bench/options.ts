/** What `npm run bench` is asked for. */
import { parseArgs } from 'node:util'
import { OPERATIONS, type Operation } from './contestants/contestant.ts'

export interface Options {
  readonly operations: readonly Operation[]
  readonly hasLimits: boolean
  /** Other checkouts of ours, which take the peers' places. */
  readonly serverDirs: readonly string[]
  readonly connections: Readonly<Record<Operation, readonly number[]>>
  readonly rounds: number
  /** Of each run. */
  readonly seconds: number
  /** Before each run, not counted. Seconds. */
  readonly warmUp: number
  /** Before the first round of each operation, so that no service is measured cold. Seconds. */
  readonly heatUp: number
  readonly sessions: number
  /** Whether the tables go into docs/benchmarks.md. */
  readonly writes: boolean
}

/** Sign-ins are hashes, of which a machine of two processors has too many at sixty-four: ours puts the rest off (503). */
const WHOLE = {
  connections: { refresh: [1, 16, 64, 256], list: [16, 64], revoke: [16, 64], introspect: [16, 64], 'sign-in': [16] },
  rounds: 5,
  seconds: 5,
  warmUp: 2,
  heatUp: 8,
  sessions: 1_000_000,
}
const QUICK = {
  connections: { refresh: [16, 64], list: [16], revoke: [16], introspect: [16], 'sign-in': [16] },
  rounds: 1,
  seconds: 2,
  warmUp: 0.5,
  heatUp: 1.5,
  sessions: 50_000,
}

/** @throws with the fault in words */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      'server-dir': { type: 'string', multiple: true, default: [] },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      sessions: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  })
  const only = values.only?.split(',')
  const unknown = only?.find((name) => name !== 'limits' && !OPERATIONS.some((operation) => operation === name))
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${OPERATIONS.join(', ')} and limits`)

  const preset = values.quick ? QUICK : WHOLE
  const serverDirs = values['server-dir']
  const connections = values.connections?.split(',').map((text) => numberIn('connections', text))
  const given = (name: 'rounds' | 'seconds' | 'warm-up' | 'sessions', otherwise: number): number =>
    values[name] === undefined ? otherwise : numberIn(name, values[name])
  return {
    operations: OPERATIONS.filter((operation) => only === undefined || only.includes(operation)),
    hasLimits: only === undefined ? serverDirs.length === 0 : only.includes('limits'),
    serverDirs,
    connections: connections === undefined ? preset.connections : sameForAll(connections),
    rounds: given('rounds', preset.rounds),
    seconds: given('seconds', preset.seconds),
    warmUp: given('warm-up', preset.warmUp),
    heatUp: preset.heatUp,
    sessions: given('sessions', preset.sessions),
    writes: values.write || argv.length === 0,
  }
}

const sameForAll = (connections: readonly number[]): Options['connections'] => ({
  refresh: connections,
  list: connections,
  revoke: connections,
  introspect: connections,
  'sign-in': connections,
})

function numberIn(name: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} ${text} is no number`)
  return number
}
