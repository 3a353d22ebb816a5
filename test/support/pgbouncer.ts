/** PgBouncer in front of a test's PostgreSQL, as the documentation sets it up. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../../scripts/free-port.ts'
import { giveTo, unprivilegedAccount } from './postgres.ts'

/** Debian's package. */
export const PGBOUNCER = '/usr/sbin/pgbouncer'

export interface PgBouncer {
  /** The same database through it. */
  readonly url: string
  /** Of the process that it is a child of. */
  readonly pid: number
  /** Its connections to the server are opened anew, as soon as nobody has one. */
  reconnect(): Promise<void>
  stop(): Promise<void>
}

/** Milliseconds. */
const LONGEST_START = 20_000

/** @param options.connections to the server, for all that come through it */
export async function startPgBouncer(
  databaseUrl: string,
  options: { mode: 'session' | 'transaction'; connections?: number },
): Promise<PgBouncer> {
  const { mode, connections = 20 } = options
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl)
  const account = unprivilegedAccount()
  const directory = mkdtempSync('/var/tmp/hallpass-pgbouncer-')
  const port = await freePort()
  writeFileSync(`${directory}/users.txt`, `"${username}" "${decodeURIComponent(password)}"\n`)
  writeFileSync(
    `${directory}/pgbouncer.ini`,
    `[databases]
${pathname.slice(1)} = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${directory}/users.txt
admin_users = ${username}
pool_mode = ${mode}
default_pool_size = ${connections}
max_client_conn = 1000
`,
  )
  giveTo(account, directory)
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN, PGBOUNCER, directory], {
    ...account,
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guardian.unref()
  ;(guardian.stdin as Socket).unref()

  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  await untilReady(url.href)
  return {
    url: url.href,
    pid: guardian.pid ?? 0,
    async reconnect() {
      const console = new URL(url)
      console.pathname = '/pgbouncer'
      const client = new pg.Client({ connectionString: console.href })
      await client.connect()
      await client.query('RECONNECT')
      await client.end()
    },
    async stop() {
      guardian.ref()
      const ended = once(guardian, 'exit')
      guardian.stdin.end()
      await ended
    },
  }
}

/** Ends it when standard input ends, as it does with this process, and leaves nothing behind. */
const GUARDIAN = `
exec 3<&0 </dev/null
"$0" "$1/pgbouncer.ini" 3<&- &
bouncer=$!
read -r _ <&3
kill -TERM "$bouncer"
wait "$bouncer"
rm -rf "$1"
`

async function untilReady(url: string): Promise<void> {
  for (const deadline = Date.now() + LONGEST_START; ; await sleep(20)) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}
