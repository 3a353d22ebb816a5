/**
 * Sessions for the people of an application that has users of its own and its own way to sign them in:
 * it brings the proof, we keep the session. A subject is whatever its user table calls a person.
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { v7 as uuidv7, validate as isUuid } from 'uuid'
import { isCleanJson } from '../clean-json.ts'
import type { Client } from '../clients/client.entity.ts'
import { DEFAULT_CLIENT_ID, type Clients } from '../clients/clients.ts'
import { statement, type Database } from '../database/database.ts'
import { faultIn, type SessionContent } from './data.ts'
import { describeDevice, deviceEvidence } from './device.ts'
import { InvalidMember } from './invalid-member.ts'
import type { Sessions, StartedSession } from './sessions.ts'
import type { AskHook } from './sign-in-hook.ts'
import type { Transport } from './session.ts'

export interface SubjectSignIn {
  /** At most 255 characters; the user is made at first sight, without address or password. */
  readonly subject: string
  /** How they proved who they are (RFC 8176): `['pwd']`, `['hwk', 'user']`, ... */
  readonly amr: readonly string[]
  /** When, if that was not just now. */
  readonly authTime?: Date | null
  /** Registered; `default` where none is named. */
  readonly clientId?: string
  readonly transport?: Transport
  /** The id of a session of the same subject and client that ends for this one, where the client asks which. */
  readonly endSessionId?: string
  readonly device?: SubjectDevice
  /** Into this session's access tokens; at most 1 kB of JSON, none of the protocol's names. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Kept with the session and shown with it; at most 4 kB of JSON. */
  readonly data?: Readonly<Record<string, unknown>>
}

/** What the application knows of the device that its user signed in on. */
export interface SubjectDevice {
  readonly name?: string | null
  readonly userAgent?: string
  /** As the `Hallpass-Client` header. */
  readonly app?: string
  readonly ip?: string | null
}

/** What cannot be in a sign-in; `pointer` (RFC 6901) says where, by the names of the HTTP contract. */
export class InvalidSignIn extends InvalidMember {
  override readonly name = 'InvalidSignIn'
}

/**
 * @throws {InvalidSignIn} also where the user was disabled here: `account_disabled`
 * @throws {SessionLimitReached} the client allows no more sessions of this subject, and nothing was made
 * @throws {Unavailable}
 */
export type StartForSubject = (signIn: SubjectSignIn) => Promise<StartedSession>

export const createStartForSubject =
  (deps: {
    database: Database
    clients: Clients
    sessions: Pick<Sessions, 'start'>
    askHook: AskHook
  }): StartForSubject =>
  async (signIn) => {
    const { database, clients, sessions, askHook } = deps
    const { subject, amr, authTime = null, transport = 'body', device = {}, claims = {}, data = {} } = signIn
    checkSignIn(signIn)
    const ip = device.ip == null ? null : addressIn(device.ip)
    const client = await findClient(clients, signIn)
    checkContent({ claims, data }, client)
    const evidence = evidenceOf(device)
    await database.query(insertSubject, [uuidv7(), subject])
    const [user] = await database.query(findSubject, [subject])
    if (user === undefined) throw new InvalidSignIn('/subject', 'account_disabled')
    const who = { userId: user.id, clientId: client.id, amr, device: describeDevice(evidence), ip }
    const added = await askHook({ ...who, subject }, client.dataClaims)
    // What the caller says of this sign-in goes before what is said of each.
    const content = { claims: { ...added.claims, ...claims }, data: { ...added.data, ...data } }
    checkContent(content, client)
    const started = await sessions.start({
      ...who,
      ...content,
      passwordVersion: user.password_version,
      authenticatedAt: authTime,
      scope: client.scope,
      transport,
      remember: true,
      userAgent: evidence.userAgent,
      seen: null,
      replaces: null,
      endSessionId: signIn.endSessionId ?? null,
      dataClaims: client.dataClaims,
    })
    if (started === null) throw new InvalidSignIn('/subject', 'account_disabled')
    return started
  }

const evidenceOf = ({ userAgent, app, name = null }: SubjectDevice): ReturnType<typeof deviceEvidence> =>
  deviceEvidence(
    {
      ...(userAgent === undefined ? {} : { 'user-agent': userAgent }),
      ...(app === undefined ? {} : { 'hallpass-client': app }),
    },
    name,
  )

/** By this `amr` an API tells a program with a key from a person. */
const OF_API_KEYS = 'key'
/** The application's clock and ours. Milliseconds. */
const CLOCKS_DIFFER = 60_000

function checkSignIn({ subject, amr, authTime, claims = {}, data = {} }: SubjectSignIn): void {
  if (subject === '' || subject.length > 255) throw new InvalidSignIn('/subject', 'invalid_length')
  if (amr.length === 0 || amr.length > 8) throw new InvalidSignIn('/amr', 'invalid_length')
  if (amr.includes(OF_API_KEYS)) throw new InvalidSignIn(`/amr/${amr.indexOf(OF_API_KEYS)}`, 'reserved_name')
  if (!isCleanJson([subject, [...amr], claims, data])) throw new InvalidSignIn('', 'invalid_characters')
  if (authTime != null) checkTime(authTime)
}

/** The one to sign in to, if this can be a sign-in to it. */
async function findClient(clients: Clients, signIn: SubjectSignIn): Promise<Client> {
  const { clientId = DEFAULT_CLIENT_ID, transport, endSessionId } = signIn
  const client = await clients.find(clientId)
  if (client === null) throw new InvalidSignIn('/client_id', 'invalid_client')
  if (client.type === 'native' && transport === 'cookie')
    throw new InvalidSignIn('/transport', 'not_for_native_clients')
  if (endSessionId !== undefined && !isUuid(endSessionId)) throw new InvalidSignIn('/end_session_id', 'invalid_format')
  return client
}

function checkContent(content: SessionContent, { dataClaims }: Client): void {
  const fault = faultIn(content, dataClaims)
  if (fault !== null) throw new InvalidSignIn(fault.pointer, fault.code)
}

function checkTime(authTime: Date): void {
  if (Number.isNaN(authTime.getTime())) throw new InvalidSignIn('/auth_time', 'invalid_time')
  if (authTime.getTime() > Date.now() + CLOCKS_DIFFER) throw new InvalidSignIn('/auth_time', 'in_the_future')
}

/** As PostgreSQL's `inet` takes it, without a zone, which means something on one machine only; IPv4 written as IPv6 is IPv4. */
function addressIn(text: string): string {
  const [address = ''] = text.split('%', 1)
  if (isIP(address) === 0) throw new InvalidSignIn('/device/ip', 'invalid_ip')
  return ipaddr.process(address).toString()
}

const insertSubject = statement(
  'subjects.insert',
  'insert into users (id, subject) values ($1::uuid, $2::text) on conflict (subject) where subject is not null do nothing',
)

const findSubject = statement<{ id: string; password_version: number }>(
  'subjects.find',
  'select id, password_version from users where subject = $1::text and disabled_at is null',
)
