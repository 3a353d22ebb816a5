/** Years of somebody's life, in a moment: what happened on Ada's devices, and when. */
import { statement } from '../../src/server/database/database.ts'
import { bySession } from '../../src/server/sessions/actor.ts'
import { PERSON, type RunningHallpass } from '../example/hallpass.ts'
import { DEVICES, FORMER_DEVICES, type FormerDevice, type KnownDevice } from './devices.ts'

type Service = RunningHallpass['hallpass']

/** A session, by whose id and whose. */
interface Place {
  readonly id: string
  readonly user_id: string
}

export async function rememberThePast(service: Service, hallpass: string): Promise<void> {
  await service.store.database.query(ageAccount, [PERSON.email])
  const former: [FormerDevice, Place][] = []
  for (const device of FORMER_DEVICES) former.push([device, await signIn(service, hallpass, device)])
  const current: Place[] = []
  for (const device of DEVICES) current.push(await signIn(service, hallpass, device))
  for (const [device, place] of former) await end(service, place, device, current[0])
}

/** One of the devices was signed out a moment ago, from another; said again, it stays so. */
export async function signOutJustNow({ sessions, store }: Service): Promise<void> {
  const [phone, desk] = await store.database.query(findApp, [])
  if (phone === undefined || desk === undefined) throw new Error('Ada has no such devices')
  await sessions.revoke(phone.user_id, phone.id, 'revoked_by_user', bySession(desk, desk.ip))
}

async function signIn({ store }: Service, hallpass: string, device: KnownDevice): Promise<Place> {
  const { userAgent, app, name, began, used, location, ip } = device
  const response = await fetch(`${hallpass}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': userAgent, 'hallpass-client': app ?? '' },
    body: JSON.stringify({ ...PERSON, device_name: name ?? null }),
  })
  const { session } = (await response.json()) as { session: { id: string } }
  const [place] = await store.database.query(age, [session.id, began, used, JSON.stringify(location), ip])
  if (place === undefined) throw new Error('Ada could not sign in')
  await store.database.query(ageEvent, [session.id, 'session.created', began, ip])
  return place
}

async function end(
  { sessions, store }: Service,
  { id, user_id: userId }: Place,
  { reason, by, ended, ip }: FormerDevice,
  desk: Place | undefined,
): Promise<void> {
  const sessionId = by === 'user' ? (desk?.id ?? null) : null
  await sessions.revoke(userId, id, reason, { kind: by, sessionId, ip })
  await store.database.query(ageEnd, [id, ended])
  await store.database.query(ageEvent, [id, 'session.revoked', ended, ip])
}

const ageAccount = statement(
  'screenshots.age_account',
  `update events set created_at = created_at - interval '201 days'
   where type like 'user.%' and user_id = (select id from users where email = $1::text)`,
)

const age = statement<Place>(
  'screenshots.age',
  `update sessions set created_at = clock_timestamp() - $2::text::interval,
     last_used_at = clock_timestamp() - $3::text::interval,
     location = $4::text::jsonb, ip_first = $5::inet, ip_last = $5::inet
   where id = $1::uuid returning id, user_id`,
)

const ageEnd = statement(
  'screenshots.age_end',
  'update sessions set revoked_at = clock_timestamp() - $2::text::interval where id = $1::uuid',
)

const ageEvent = statement(
  'screenshots.age_event',
  `update events set created_at = clock_timestamp() - $3::text::interval, ip = $4::inet,
     subtype = case when reason = 'token_reuse' then 'old_token' end
   where session_id = $1::uuid and type = $2::text`,
)

const findApp = statement<Place & { ip: string | null }>(
  'screenshots.find_app',
  `select id, user_id, host(ip_last) as ip from sessions
   where app_name is not null or device_name = 'Desk at work' order by app_name is null`,
)
