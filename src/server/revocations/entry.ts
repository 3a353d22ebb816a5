/** What a follower is told of one session, or of one API key. */

/** The reason of a `stale` entry that takes a `revoked` one back: the session lives again. */
export const REVIVED = 'revived'

export interface Entry {
  /** `sid` of the access tokens that it concerns. */
  readonly sid: string
  /** `revoked`: the session is over. `stale`: it goes on, and what older tokens say of it is outdated. */
  readonly kind: 'revoked' | 'stale'
  /** Tokens whose `iat` is not later are refused. Whole seconds since 1970. */
  readonly issuedUntil: number
  /** The last of them has expired by then. Milliseconds since 1970. */
  readonly until: number
  readonly transactionId: number
}

export const entryJson = ({ sid, kind, issuedUntil, until }: Entry): string =>
  JSON.stringify({
    sid,
    kind,
    issued_until: `${new Date(issuedUntil * 1000).toISOString().slice(0, 19)}Z`,
    until: new Date(until).toISOString(),
  })
