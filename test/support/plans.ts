/** How PostgreSQL carries out the statements of real requests: auto_explain writes each plan to the server's log. */
import { startPostgres, type Postgres } from './postgres.ts'

/** One reading of a table or of one of its partitions, within a statement that was carried out. */
export interface Reading {
  readonly relation: string
  /** Null where the whole of it was read. */
  readonly index: string | null
  /** By which of the index was gone. */
  readonly condition: string
}

/** A server of its own, as plans are in the log of the whole server. */
export const startExplainingPostgres = (): Promise<Postgres> =>
  startPostgres({
    settings: {
      session_preload_libraries: 'auto_explain',
      'auto_explain.log_min_duration': 0,
      'auto_explain.log_analyze': 'on',
      'auto_explain.log_timing': 'off',
      'auto_explain.log_format': 'json',
      'auto_explain.log_parameter_max_length': 0,
      log_line_prefix: '',
    },
  })

/**
 * The readings of `table` and its partitions, by the text of the statement, for all statements that were carried out
 * meanwhile. What a plan has and was not needed, such as the other partitions, is left out.
 */
export async function readingsDuring(
  postgres: Postgres,
  table: string,
  work: () => Promise<unknown>,
): Promise<Map<string, Reading[]>> {
  const before = postgres.log().length
  await work()
  const readings = new Map<string, Reading[]>()
  for (const { 'Query Text': text, Plan: plan } of plansIn(postgres.log().slice(before))) {
    const found = [...readingsIn(plan, new RegExp(`^${table}(_\\d+)?$`))]
    if (found.length > 0) readings.set(text, [...(readings.get(text) ?? []), ...found])
  }
  return readings
}

interface Explained {
  readonly 'Query Text': string
  readonly Plan: Node
}

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Actual Loops': number
  readonly Plans?: readonly Node[]
}

/** The log continues an entry on lines that begin with a tab. */
function plansIn(log: string): Explained[] {
  return [...log.matchAll(/plan:\n((?:\t.*\n)+)/g)].map(([, json = '']) => JSON.parse(json) as Explained)
}

function* readingsIn(node: Node, relations: RegExp): Generator<Reading> {
  const { 'Relation Name': relation, 'Node Type': type, Plans: parts = [] } = node
  if (node['Actual Loops'] === 0) return
  if (relation !== undefined && relations.test(relation) && type.endsWith('Scan')) {
    // Of a bitmap scan the part below it knows the index.
    const { 'Index Name': index = null, 'Index Cond': condition = '' } = type.startsWith('Bitmap')
      ? (parts[0] ?? node)
      : node
    yield { relation, index, condition }
  }
  for (const part of parts) yield* readingsIn(part, relations)
}
