/** What an operator wants of a session, and what that means for its row as it is now. */
import { isCleanJson } from '../clean-json.ts'
import type { Account } from '../users/account.ts'
import { ControlRefused } from './control-refused.ts'
import { faultIn, mergePatch, type JsonObject } from './data.ts'
import type { FullSessionRow } from './full-session.ts'
import { InvalidMember } from './invalid-member.ts'

/** Only what is given changes. */
export interface SessionUpdate {
  /** The absolute end, earlier or later than it was. In the past: the session ends now, with `expired_absolute`. */
  readonly expiresAt?: Date | undefined
  /** The idle end, until the next refresh sets it anew. In the past: the session ends now, with `expired_idle`. */
  readonly idleExpiresAt?: Date | undefined
  /** How long this session may be idle, from now on: seconds; null: as its client's, or the service's. */
  readonly idleTtl?: number | null | undefined
  /** It ends now, with `expired_idle`; its absolute end stays as it was, so that it can be revived. */
  readonly expired?: true | undefined
  /** A session that was revoked or has expired lives again; nothing, where it lives. */
  readonly revived?: true | undefined
  /** Not to expire by idleness, and not to give way at the session limit. */
  readonly pinned?: boolean | undefined
  /** A merge patch (RFC 7396): members replace those that there are, null takes one away. At most 4 kB together. */
  readonly data?: JsonObject | undefined
  /** A merge patch, too, of the session's own claims. At most 1 kB together. */
  readonly claims?: JsonObject | undefined
  readonly deviceName?: string | null | undefined
}

/** The row, locked, with what deciding needs. */
export interface ControlRow extends FullSessionRow {
  now: Date
  /** Of its client, or the service's. Seconds. */
  idle_life: number
  data_claims: string[] | null
}

/** What is written. A time that is null stays as it is. */
export interface Decision {
  readonly deviceName: string | null
  readonly absoluteEnd: Date | null
  readonly idleEnd: Date | null
  readonly idleTtl: number | null
  readonly pinned: boolean
  readonly data: JsonObject
  readonly claims: JsonObject
  readonly isRevival: boolean
  /** An access token may outlive the session's new end, and nobody would tell. */
  readonly isCutShort: boolean
  /** It ends with this update, for this reason. */
  readonly ends: 'expired_idle' | 'expired_absolute' | null
  /** For the history. Of data and claims the names only. */
  readonly details: JsonObject
}

/** PostgreSQL's integer. Seconds. */
const LONGEST_IDLE = 2_147_483_647
const LATEST_END = Date.parse('9999-12-31T23:59:59Z')

/** @throws {InvalidMember} for what cannot be, whatever the session */
export function checkUpdate(update: SessionUpdate): void {
  const { expiresAt, idleExpiresAt, idleTtl, revived, pinned, data = {}, claims = {} } = update
  for (const [pointer, time] of Object.entries({ '/expires_at': expiresAt, '/idle_expires_at': idleExpiresAt })) {
    if (time !== undefined && !(time.getTime() <= LATEST_END)) throw new InvalidMember(pointer, 'invalid_time')
  }
  if (idleTtl != null && !isIdleLife(idleTtl)) throw new InvalidMember('/idle_ttl', 'invalid_duration')
  const isToLive = [expiresAt, idleExpiresAt, idleTtl ?? undefined, revived, pinned].some((each) => each !== undefined)
  if (update.expired && isToLive) throw new InvalidMember('/expired', 'contradiction')
  if (!isCleanJson([data, claims])) throw new InvalidMember('', 'invalid_characters')
}

const isIdleLife = (seconds: number): boolean => Number.isInteger(seconds) && seconds > 0 && seconds <= LONGEST_IDLE

/**
 * @param account locked before the row; null where it is gone
 * @param accessTtl seconds
 * @throws {InvalidMember | ControlRefused}
 */
export function decide(row: ControlRow, account: Account | null, update: SessionUpdate, accessTtl: number): Decision {
  const isRevival = row.status !== 'active' && update.revived === true
  if (row.status !== 'active' && !isRevival) throw new ControlRefused('session_ended')
  const target = endsOf(row, update, isRevival)
  if (isRevival) checkRevival(row, account, target)

  const { absolute, idle, idleTtl, pinned } = target
  const ends = reasonToEnd(row.now, target, update)
  return {
    deviceName: update.deviceName === undefined ? row.device_name : update.deviceName,
    absoluteEnd: update.expiresAt === undefined || ends === 'expired_absolute' ? null : absolute,
    idleEnd: ends === 'expired_idle' ? null : idle,
    idleTtl,
    pinned,
    ...contentOf(row, update),
    isRevival,
    isCutShort: !isRevival && isCutShort(row, target, accessTtl),
    ends,
    details: detailsOf(update),
  }
}

interface Ends {
  readonly absolute: Date
  readonly idle: Date
  readonly idleTtl: number | null
  readonly pinned: boolean
}

function endsOf(row: ControlRow, update: SessionUpdate, isRevival: boolean): Ends {
  const absolute = update.expiresAt ?? row.absolute_expires_at
  const pinned = update.pinned ?? row.pinned
  const idleTtl = update.idleTtl === undefined ? row.idle_ttl : update.idleTtl
  if (pinned && update.idleExpiresAt !== undefined) throw new InvalidMember('/idle_expires_at', 'pinned')
  const beginsAnew = isRevival || update.idleTtl !== undefined || (row.pinned && !pinned)
  const anew = new Date(row.now.getTime() + (idleTtl ?? row.idle_life) * 1000)
  const idle = pinned ? absolute : (update.idleExpiresAt ?? (beginsAnew ? anew : row.idle_expires_at))
  return { absolute, idle, pinned, idleTtl }
}

function checkRevival({ now }: ControlRow, account: Account | null, { absolute, idle }: Ends): void {
  if (account === null) throw new ControlRefused('account_deleted')
  if (account.isDisabled) throw new ControlRefused('account_disabled')
  if (absolute <= now) throw new ControlRefused('past_absolute_end')
  if (idle <= now) throw new InvalidMember('/idle_expires_at', 'in_the_past')
}

function reasonToEnd(now: Date, { absolute, idle }: Ends, { expired }: SessionUpdate): Decision['ends'] {
  if (expired) return 'expired_idle'
  if (absolute <= now) return 'expired_absolute'
  return idle <= now ? 'expired_idle' : null
}

function isCutShort(row: ControlRow, { absolute, idle }: Ends, accessTtl: number): boolean {
  const end = nearer(absolute, idle)
  const isEarlier = end < nearer(row.absolute_expires_at, row.idle_expires_at)
  return isEarlier && end < row.now.getTime() + accessTtl * 1000
}

function contentOf(row: ControlRow, update: SessionUpdate): { data: JsonObject; claims: JsonObject } {
  const data = update.data === undefined ? row.data : mergePatch(row.data, update.data)
  const claims = update.claims === undefined ? row.own_claims : mergePatch(row.own_claims, update.claims)
  if (update.data === undefined && update.claims === undefined) return { data, claims }
  const fault = faultIn({ data, claims }, row.data_claims ?? [])
  if (fault !== null) throw new InvalidMember(fault.pointer, fault.code)
  return { data, claims }
}

const nearer = (one: Date, other: Date): number => Math.min(one.getTime(), other.getTime())

const detailsOf = ({
  expiresAt,
  idleExpiresAt,
  idleTtl,
  pinned,
  data,
  claims,
  deviceName,
}: SessionUpdate): JsonObject => ({
  ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
  ...(idleExpiresAt === undefined ? {} : { idle_expires_at: idleExpiresAt }),
  ...(idleTtl === undefined ? {} : { idle_ttl: idleTtl }),
  ...(pinned === undefined ? {} : { pinned }),
  ...(data === undefined ? {} : { data: Object.keys(data) }),
  ...(claims === undefined ? {} : { claims: Object.keys(claims) }),
  ...(deviceName === undefined ? {} : { device_name: deviceName }),
})
