/**
 * What holds in every connection, whatever the server's own defaults. It is set when a connection is new, and not
 * with the packet that opens it: poolers such as PgBouncer refuse what they do not know in there. A pooler in
 * transaction mode deals connections out anew for every transaction, so that there the role has to bring the
 * settings, and we look whether it does.
 */
import type { ClientBase, PoolConfig } from 'pg'

export type SessionSettings = Readonly<Record<string, string>>

/**
 * READ COMMITTED: the refresh rules rest on it. Where standbys are synchronous, a commit waits until they show it;
 * the refresh statement lowers that for itself. The driver reads dates in ISO style only. Everything has an end, and
 * each end lies before the HTTP request's.
 */
export const SESSION_SETTINGS: SessionSettings = {
  default_transaction_isolation: 'read committed',
  synchronous_commit: 'remote_apply',
  datestyle: 'ISO',
  statement_timeout: '3s',
  lock_timeout: '1s',
  idle_in_transaction_session_timeout: '5s',
}

/** The role lacks settings that a pooler in transaction mode keeps us from making ourselves. */
export class RoleSettingsMissing extends Error {
  override readonly name = 'RoleSettingsMissing'

  constructor(role: string, missing: readonly string[]) {
    const statements = missing.map((name) => `  alter role ${role} set ${name} = '${SESSION_SETTINGS[name]}';`)
    super(
      'with HALLPASS_DATABASE_POOLING=transaction the database role has to bring what is otherwise set for each ' +
        `connection. Run this, then have the pooler open its connections anew (RECONNECT):\n${statements.join('\n')}`,
    )
  }
}

/** Nobody gets a connection from the pool before this is done with it. */
export const settingUp = (work: (client: ClientBase) => Promise<void>): Pick<PoolConfig, 'onConnect'> => ({
  // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, whatever its types say
  onConnect: work,
})

export async function setSettings(client: ClientBase, settings: SessionSettings): Promise<void> {
  await client.query(SET, [Object.keys(settings), Object.values(settings)])
}

/** @throws {RoleSettingsMissing} */
export async function checkSettings(client: Pick<ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ role: string; name: string; value: string }>(READ, [
    Object.keys(SESSION_SETTINGS),
  ])
  // The style of dates is shown with the order of day and month, which ISO has only one of.
  const missing = rows.filter(({ name, value }) => value.replace(/^ISO, .*/, 'ISO') !== SESSION_SETTINGS[name])
  const [first] = missing
  if (first !== undefined)
    throw new RoleSettingsMissing(
      first.role,
      missing.map(({ name }) => name),
    )
}

const SET = 'select set_config(name, value, false) from unnest($1::text[], $2::text[]) as wanted (name, value)'

const READ = `select quote_ident(current_user) as role, name, current_setting(name) as value
  from unnest($1::text[]) as wanted (name)`
