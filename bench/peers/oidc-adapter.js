/** What oidc-provider stores, in one table of PostgreSQL, by named statements. */
import pg from 'pg'

const SCHEMA = `
  create table if not exists oidc_payloads (
    model text not null,
    id text not null,
    payload jsonb not null,
    grant_id text,
    uid text,
    user_code text,
    expires_at timestamptz,
    consumed_at timestamptz,
    primary key (model, id)
  );
  create index if not exists oidc_payloads_grant_id on oidc_payloads (grant_id) where grant_id is not null;
  create index if not exists oidc_payloads_uid on oidc_payloads (uid) where uid is not null;
  create index if not exists oidc_payloads_user_code on oidc_payloads (user_code) where user_code is not null`

/** @returns the class that the provider's configuration wants as `adapter` */
export async function createAdapter(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 16 })
  await pool.query(SCHEMA)

  const findBy = async (name, column, model, value) => {
    const text = `select payload, consumed_at from oidc_payloads
      where model = $1 and ${column} = $2 and (expires_at is null or expires_at > now())`
    const { rows } = await pool.query({ name, text, values: [model, value] })
    if (rows.length === 0) return undefined
    const [{ payload, consumed_at: consumedAt }] = rows
    return consumedAt === null ? payload : { ...payload, consumed: Math.floor(consumedAt.getTime() / 1000) }
  }

  return class PostgresAdapter {
    constructor(model) {
      this.model = model
    }

    async upsert(id, payload, expiresIn) {
      await pool.query({
        name: 'oidc_upsert',
        text: `insert into oidc_payloads (model, id, payload, grant_id, uid, user_code, expires_at)
          values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
          on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
            uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`,
        values: [this.model, id, payload, payload.grantId, payload.uid, payload.userCode, expiresIn],
      })
    }

    find(id) {
      return findBy('oidc_find', 'id', this.model, id)
    }

    findByUid(uid) {
      return findBy('oidc_find_by_uid', 'uid', this.model, uid)
    }

    findByUserCode(userCode) {
      return findBy('oidc_find_by_user_code', 'user_code', this.model, userCode)
    }

    async consume(id) {
      const text = 'update oidc_payloads set consumed_at = now() where model = $1 and id = $2'
      await pool.query({ name: 'oidc_consume', text, values: [this.model, id] })
    }

    async destroy(id) {
      const text = 'delete from oidc_payloads where model = $1 and id = $2'
      await pool.query({ name: 'oidc_destroy', text, values: [this.model, id] })
    }

    async revokeByGrantId(grantId) {
      const text = 'delete from oidc_payloads where model = $1 and grant_id = $2'
      await pool.query({ name: 'oidc_revoke', text, values: [this.model, grantId] })
    }
  }
}
