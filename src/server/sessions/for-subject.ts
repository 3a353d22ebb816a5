/**
 * Sessions for the people of an application that has users of its own and its own way to sign them in:
 * it brings the proof, we keep the session. A subject is whatever its user table calls a person.
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { v7 as uuidv7 } from 'uuid'
import { isCleanJson } from '../clean-json.ts'
import { DEFAULT_CLIENT_ID, type Clients } from '../clients/clients.ts'
import { statement, type Database } from '../database/database.ts'
import { checkOwnClaims } from '../tokens/own-claims.ts'
import { claimsInData } from './claims.ts'
import { describeDevice, deviceEvidence } from './device.ts'
import type { Sessions, StartedSession } from './sessions.ts'
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
export class InvalidSignIn extends Error {
  override readonly name = 'InvalidSignIn'
  readonly pointer: string
  readonly code: string

  constructor(pointer: string, code: string) {
    super(`${pointer.slice(1)}: ${code}`)
    this.pointer = pointer
    this.code = code
  }
}

/**
 * @throws {InvalidSignIn} also where the user was disabled here: `account_disabled`
 * @throws {Unavailable}
 */
export type StartForSubject = (signIn: SubjectSignIn) => Promise<StartedSession>

export const createStartForSubject =
  (deps: { database: Database; clients: Clients; sessions: Pick<Sessions, 'start'> }): StartForSubject =>
  async (signIn) => {
    const { database, clients, sessions } = deps
    const { subject, amr, authTime = null, transport = 'body', device = {}, claims = {}, data = {} } = signIn
    checkSignIn(signIn)
    const ip = device.ip == null ? null : addressIn(device.ip)
    const client = await clients.find(signIn.clientId ?? DEFAULT_CLIENT_ID)
    if (client === null) throw new InvalidSignIn('/client_id', 'invalid_client')
    checkDataClaims(data, client.dataClaims)
    const evidence = deviceEvidence(
      {
        ...(device.userAgent === undefined ? {} : { 'user-agent': device.userAgent }),
        ...(device.app === undefined ? {} : { 'hallpass-client': device.app }),
      },
      device.name ?? null,
    )
    await database.query(insertSubject, [uuidv7(), subject])
    const [user] = await database.query(findSubject, [subject])
    const started =
      user &&
      (await sessions.start({
        userId: user.id,
        passwordVersion: user.password_version,
        amr,
        authenticatedAt: authTime,
        clientId: client.id,
        scope: client.scope,
        transport,
        remember: true,
        device: describeDevice(evidence),
        userAgent: evidence.userAgent,
        ip,
        seen: null,
        replaces: null,
        claims,
        data,
        dataClaims: client.dataClaims,
      }))
    if (!started) throw new InvalidSignIn('/subject', 'account_disabled')
    return started
  }

/** Bytes of JSON. */
const MOST_DATA = 4096
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
  const fault = checkOwnClaims(claims)
  if (fault !== null) {
    throw new InvalidSignIn(fault.code === 'reserved_name' ? `/claims/${fault.name}` : '/claims', fault.code)
  }
  if (Buffer.byteLength(JSON.stringify(data)) > MOST_DATA) throw new InvalidSignIn('/data', 'too_large')
}

/** The client's choice may name members that its application means otherwise here. */
function checkDataClaims(data: Readonly<Record<string, unknown>>, dataClaims: readonly string[]): void {
  const fault = checkOwnClaims(claimsInData(data, dataClaims))
  if (fault !== null) throw new InvalidSignIn('/data', fault.code)
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
