/** On what was measured: processors, memory and versions, and how they were set. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

export async function describeMachine(databaseUrl: string): Promise<string> {
  const [processor] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${availableParallelism()} processors (${processor?.model.trim()}), ${memory} GiB, Node ${process.versions.node}, PostgreSQL ${await databaseVersion(databaseUrl)}`
}

async function databaseVersion(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, string>>(
      `select name, setting from pg_settings
       where name in ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'block_size')`,
    )
    const settings = new Map(rows.map(({ name, setting }) => [name, setting ?? '']))
    const buffers = (Number(settings.get('shared_buffers')) * Number(settings.get('block_size'))) / 2 ** 20
    const commits = settings.get('fsync') === 'on' && settings.get('synchronous_commit') !== 'off' ? 'durable' : 'lossy'
    return `${settings.get('server_version')} (${commits} commits, ${buffers} MB of shared buffers)`
  } finally {
    await client.end()
  }
}

/** What bench/package.json and our own package.json pin, by package. */
export function versionsOf(...packages: readonly string[]): string {
  const pinned = { ...dependenciesIn('../../package.json'), ...dependenciesIn('../package.json') }
  return packages.map((name) => `${name} ${pinned[name] ?? ''}`).join(', ')
}

const dependenciesIn = (path: string): Record<string, string> =>
  (
    JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')) as {
      dependencies: Record<string, string>
    }
  ).dependencies
