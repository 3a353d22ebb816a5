/**
 * A wish becomes a mail: whoever it is for is looked up, and the token of its link is made. Not before:
 * so a request by address does the same work whether or not anybody has that address.
 */
import { paths } from '../../protocol/paths.ts'
import { statement, type Queryable } from '../database/database.ts'
import { parseEmailAddress } from '../users/email-address.ts'
import { issueEmailToken, type NewToken } from './email-tokens.ts'
import type { EmailFlow, Purpose } from './flow.ts'
import type { Mail, MailDetails, MailPurpose } from './mail.ts'
import type { MailWish } from './outbox.ts'

export interface ComposedMail extends Omit<Mail, 'id'> {
  /** After which it is of no use any more. Seconds from now. */
  readonly goodFor: number
}

/** @returns null where there is nobody to write to, or nothing to say */
export type Compose = (tx: Queryable, wish: MailWish) => Promise<ComposedMail | null>

/** Which token the link of a mail carries; a mail that is not here has none. */
const TOKEN_OF: Partial<Record<MailPurpose, Purpose>> = {
  confirm: 'confirm',
  account_exists: 'reset_password',
  magic_link: 'magic_link',
  reset_password: 'reset_password',
  change_email: 'change_email',
  email_changed: 'revert_email',
  new_device: 'not_me',
}
/** If it was not you, a new password helps; the mail says where to ask for one. */
const ASKS_FOR_RESET = new Set<MailPurpose>(['password_changed', 'token_reuse', 'device_changed', 'api_key_created'])
/** What tells of something stays worth telling. Seconds. */
const NOTICE_GOOD_FOR = 72 * 60 * 60
/** Whoever signs in from ever new devices does not fill a mailbox with it. */
const NEW_DEVICE_MAILS_AN_HOUR = 10
/** Nor does a telephone between two networks. */
const DEVICE_CHANGED_MAILS_AN_HOUR = 10

export function createCompose(deps: { issuer: string; flows: readonly EmailFlow[] }): Compose {
  const { issuer, flows } = deps

  return async function compose(tx, wish) {
    const person = await findPerson(tx, wish)
    if (person === null) return farewell(wish)
    if (person.disabled_at !== null || !(await isWorthSending(tx, wish, person))) return null
    const holder = wish.purpose === 'change_email' ? await findHolder(tx, wish.new_address ?? '', person) : null
    if (holder !== null) return canRead(holder) ? notice(wish, 'email_in_use', holder.email) : null
    const to = recipientOf(wish, person)
    return to === null ? null : write(tx, wish, person, to)
  }

  async function write(tx: Queryable, wish: MailWish, person: Person, to: string): Promise<ComposedMail> {
    const flow = flows.find(({ purpose }) => purpose === TOKEN_OF[wish.purpose])
    return {
      to,
      purpose: wish.purpose,
      link: await linkOf(tx, wish, person, to, flow),
      locale: wish.locale ?? null,
      details: { ...(await detailsOf(tx, wish, person)), lifetime: flow?.lifetime },
      goodFor: flow?.lifetime ?? NOTICE_GOOD_FOR,
    }
  }

  async function linkOf(
    tx: Queryable,
    wish: MailWish,
    person: Person,
    to: string,
    flow: EmailFlow | undefined,
  ): Promise<string | null> {
    if (flow === undefined) return ASKS_FOR_RESET.has(wish.purpose) ? issuer + paths.resetPage : null
    const token = await issueEmailToken(tx, flow, newToken(wish, person, to))
    const base = (wish.client_id != null && (await linkUriOf(tx, wish.client_id))) || issuer + flow.page
    const link = new URL(base)
    link.searchParams.set('token', token)
    if (wish.return_to !== undefined) link.searchParams.set('return_to', wish.return_to)
    return link.href
  }
}

const newToken = (wish: MailWish, person: Person, to: string): NewToken => ({
  userId: person.id,
  accountAddress: person.email_canonical ?? '',
  sentTo: to,
  about: aboutOf(wish, to),
  sessionId: wish.session_id ?? null,
  clientId: wish.client_id ?? null,
  at: wish.at ?? null,
})

const canRead = (holder: Person): holder is Person & { email: string } =>
  holder.email !== null && holder.disabled_at === null

/** Only ever an address that the account has, had, or asked for itself. */
function recipientOf(wish: MailWish, person: Person): string | null {
  // Whom another application signs in has no other way in, and gets none here.
  if (wish.purpose === 'change_email') return person.subject === null ? (wish.new_address ?? null) : null
  return person.email && (wish.to ?? person.email)
}

/** What stands side by side: reports on several devices, ways back to several addresses. */
function aboutOf(wish: MailWish, to: string): string {
  if (wish.purpose === 'new_device') return wish.session_id ?? ''
  return wish.purpose === 'email_changed' ? (parseEmailAddress(to)?.canonical ?? to) : ''
}

async function isWorthSending(tx: Queryable, { purpose }: MailWish, person: Person): Promise<boolean> {
  if (purpose === 'confirm') return person.email_verified_at === null
  if (purpose === 'new_device') return (await countOf(countReports)) < NEW_DEVICE_MAILS_AN_HOUR
  // The events of this one are among them.
  if (purpose === 'device_changed') return (await countOf(countPolicies)) <= DEVICE_CHANGED_MAILS_AN_HOUR
  return true

  async function countOf(counting: typeof countReports): Promise<number> {
    const [recent] = await tx.query(counting, [person.id])
    return recent?.count ?? 0
  }
}

async function detailsOf(tx: Queryable, wish: MailWish, person: Person): Promise<MailDetails> {
  const [session] = wish.session_id == null ? [] : await tx.query(findSession, [person.id, wish.session_id])
  const happenedAt = wish.purpose === 'new_device' && session ? session.created_at : person.now
  return {
    subtype: wish.subtype,
    name: wish.name,
    newAddress: wish.new_address,
    device: session?.device_name ?? session?.device_label,
    place: placeOf(wish.place === undefined ? (session?.location ?? null) : wish.place),
    rule: wish.rule,
    ip: wish.ip ?? session?.ip ?? null,
    at: wish.at ?? happenedAt.toISOString(),
  }
}

const placeOf = (location: SessionRow['location']): string | null =>
  [location?.city, location?.country].filter((part) => part != null).join(', ') || null

/** The account is gone, and with it everything but the address to write to. */
const farewell = (wish: MailWish): ComposedMail | null =>
  wish.purpose !== 'account_deleted' || wish.to === undefined ? null : notice(wish, wish.purpose, wish.to)

const notice = (wish: MailWish, purpose: MailPurpose, to: string): ComposedMail => ({
  to,
  purpose,
  link: null,
  locale: wish.locale ?? null,
  details: { at: wish.at },
  goodFor: NOTICE_GOOD_FOR,
})

interface Person {
  id: string
  email: string | null
  email_canonical: string | null
  subject: string | null
  email_verified_at: Date | null
  disabled_at: Date | null
  now: Date
}

async function findPerson(tx: Queryable, wish: MailWish): Promise<Person | null> {
  if (wish.user_id !== undefined) return (await tx.query(lockById, [wish.user_id]))[0] ?? null
  const canonical = parseEmailAddress(wish.address ?? '')?.canonical
  return canonical === undefined ? null : ((await tx.query(lockByAddress, [canonical]))[0] ?? null)
}

/** Who has the address that `person` would like to have. */
async function findHolder(tx: Queryable, address: string, person: Person): Promise<Person | null> {
  const [holder] = await tx.query(findByAddress, [parseEmailAddress(address)?.canonical ?? ''])
  return holder === undefined || holder.id === person.id ? null : holder
}

async function linkUriOf(tx: Queryable, clientId: string): Promise<string | null> {
  return (await tx.query(findLinkUri, [clientId]))[0]?.link_uri ?? null
}

const PERSON_COLUMNS = 'id, email, email_canonical, subject, email_verified_at, disabled_at, clock_timestamp() as now'

/** Whatever is being done to the account is over, or waits: no token is made for what is about to be void. */
const lockById = statement<Person>(
  'composing.lock_by_id',
  `select ${PERSON_COLUMNS} from users where id = $1::uuid for no key update`,
)

const lockByAddress = statement<Person>(
  'composing.lock_by_address',
  `select ${PERSON_COLUMNS} from users where email_canonical = $1::text for no key update`,
)

const findByAddress = statement<Person>(
  'composing.find_by_address',
  `select ${PERSON_COLUMNS} from users where email_canonical = $1::text`,
)

const countReports = statement<{ count: number }>(
  'composing.count_reports',
  `select count(*)::int as count from email_tokens
   where user_id = $1::uuid and purpose = 'not_me' and created_at > clock_timestamp() - interval '1 hour'`,
)

const countPolicies = statement<{ count: number }>(
  'composing.count_policies',
  `select count(*)::int as count from events
   where user_id = $1::uuid and type = 'session.policy' and created_at > clock_timestamp() - interval '1 hour'
     and details->>'action' <> 'log' and details->'shadow' is null`,
)

interface SessionRow {
  device_name: string | null
  device_label: string
  ip: string | null
  location: { city: string | null; country: string | null } | null
  created_at: Date
}

const findSession = statement<SessionRow>(
  'composing.find_session',
  `select device_name, device_label, host(ip_first) as ip, location, created_at
   from sessions where user_id = $1::uuid and id = $2::uuid`,
)

const findLinkUri = statement<{ link_uri: string | null }>(
  'composing.find_link_uri',
  'select link_uri from clients where id = $1::text',
)
