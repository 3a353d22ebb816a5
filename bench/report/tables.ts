/** Lines become tables, as Markdown has them. */
import type { Line } from './medians.ts'

const WHAT = {
  refresh: 'Refresh (better-auth: a JWT of a session, without rotation)',
  list: "The owner's list of sessions",
  revoke: 'A session is revoked',
  introspect: 'Is it in force? (oidc-provider and ours: introspection of a refresh token; better-auth: get-session)',
  'sign-in': 'Sign-in by password',
  limits: 'Limits: what a part costs where nothing stands around it',
  workers: 'Refresh, by several workers behind one port',
  groups: 'Refresh, several in one statement and each by itself',
  pgbouncer: 'Refresh, with PgBouncer before PostgreSQL',
} as const

export type Subject = keyof typeof WHAT

export function tableOf(operation: Subject, lines: readonly Line[]): string {
  const hasRatio = lines.some(({ ratio }) => ratio !== null)
  const [first] = lines
  const head = [
    'connections',
    '',
    'a second',
    ...(hasRatio ? [`${first?.contestant} ÷ it`] : []),
    'p50 ms',
    'p99 ms',
    'server µs',
    'database µs',
    'load µs',
    'others',
    'errors',
  ]
  const rule = head.map((_, index) => (index === 1 ? '---' : '---:'))
  const rows = lines.map((line) => cellsOf(line, hasRatio, line.contestant === first?.contestant))
  const text = [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  return `**${WHAT[operation]}**\n\n${text}\n`
}

function cellsOf(line: Line, hasRatio: boolean, isFirst: boolean): string[] {
  const { connections, contestant, perSecond, ratio, p50, p99, server, database, load, others, errors } = line
  return [
    inWhole(connections),
    isFirst && hasRatio ? `**${contestant}**` : contestant,
    inWhole(perSecond),
    ...(hasRatio ? [ratio === null || !Number.isFinite(ratio) ? '' : ratio.toFixed(1)] : []),
    inMilliseconds(p50),
    inMilliseconds(p99),
    inWhole(server),
    inWhole(database ?? 0),
    inWhole(load),
    `${Math.round(others * 100)} %`,
    errors.toLocaleString('en'),
  ]
}

const inMilliseconds = (time: number): string => (Number.isNaN(time) ? '' : time.toFixed(time < 10 ? 2 : 1))
/** Nothing where there is none of it. */
const inWhole = (number: number): string =>
  number === 0 || !Number.isFinite(number) ? '' : Math.round(number).toLocaleString('en')
