/** How time passes for what is not a session: tests age rows, they never sleep. */
import { statement } from '../../src/server/database/database.ts'
import type { TestServer } from './server.ts'

/** Moves an account's mail tokens back, as if they had been issued so long ago. Seconds. */
export async function ageEmailTokens({ hallpass }: TestServer, email: string, seconds: number): Promise<void> {
  const age = statement(
    'test.age_email_tokens',
    `update email_tokens set
       created_at = created_at - make_interval(secs => $2::float8),
       expires_at = expires_at - make_interval(secs => $2::float8)
     where user_id = (select id from users where email = $1::text)`,
  )
  await hallpass.store.database.query(age, [email, seconds])
}

/** What waits in the outbox is due now. */
export async function makeMailDue({ hallpass }: Pick<TestServer, 'hallpass'>): Promise<void> {
  await hallpass.store.database.query(
    statement('test.make_mail_due', 'update outbox set next_attempt_at = clock_timestamp()'),
    [],
  )
}

export async function outboxOf({
  hallpass,
}: Pick<TestServer, 'hallpass'>): Promise<{ payload: object; attempts: number }[]> {
  return hallpass.store.database.query(
    statement<{ payload: object; attempts: number }>(
      'test.outbox',
      'select payload, attempts from outbox order by created_at',
    ),
    [],
  )
}
