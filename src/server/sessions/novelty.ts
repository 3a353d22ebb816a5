/**
 * What is new about a device, for the account's owner to look at: its place, its kind, its network. Compared
 * with the sessions that began before it, as the mail about a new device is (sign-in.ts); but told apart, since
 * "New place: Oslo" says more than "new".
 */
import { networkOf, UNKNOWN_NETWORK } from '../rate-limits/network.ts'
import type { Session } from './session.ts'

export type Novelty =
  | { readonly of: 'place'; readonly location: NonNullable<Session['location']> }
  /** A system that was never seen: Android. */
  | { readonly of: 'system'; readonly name: string }
  /** An app or a browser that was never seen, on a system that was. */
  | { readonly of: 'program'; readonly name: string }
  /** Each was seen, but not together; or another model. */
  | { readonly of: 'combination' }
  | { readonly of: 'network' }

/** Days. */
const SHOWN_FOR = 30

/** Bits. */
const AREA = { ipv4: 24, ipv6: 48 }

/** Ends which say that the device was never the owner's: what it brought is not familiar. */
const DISOWNED = new Set<string | null>(['not_me', 'token_reuse'])

/**
 * @param sessions all of an account that are kept, in any order
 * @returns by the session's id; the account's first device is never new, and nothing is after thirty days
 */
export function findNovelties(sessions: readonly Session[], now: Date): ReadonlyMap<string, readonly Novelty[]> {
  const since = now.getTime() - SHOWN_FOR * 24 * 60 * 60 * 1000
  const inOrder = sessions.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
  const seen = new Seen()
  const found = new Map<string, readonly Novelty[]>()
  for (const session of inOrder) {
    const novelties = session.createdAt.getTime() > since ? seen.compare(session) : []
    found.set(session.id, novelties)
    // What is new makes nothing familiar: who signs in twice and signs the first out would hide the second.
    if (novelties.length === 0 && !DISOWNED.has(session.revokedReason)) seen.add(session)
  }
  return found
}

/** What the sessions so far had. Where nothing is known of a thing, nothing is new about it. */
class Seen {
  readonly #places = new Set<string>()
  readonly #networks = new Set<string>()
  readonly #systems = new Set<string>()
  readonly #programs = new Set<string>()
  readonly #kinds = new Set<string>()

  compare(session: Session): readonly Novelty[] {
    const place = this.#placeOf(session)
    const kind = this.#kindOf(session)
    const novelties = [place, kind].filter((novelty) => novelty !== null)
    const network = areaOf(session.ipFirst)
    // A new place has a new network, as a rule: to say both says nothing more.
    if (place === null && isNew(network, this.#networks)) novelties.push({ of: 'network' })
    return novelties
  }

  add(session: Session): void {
    for (const network of [areaOf(session.ipFirst), areaOf(session.ip)]) remember(network, this.#networks)
    remember(placeKey(session), this.#places)
    remember(session.device.os.name, this.#systems)
    remember(programOf(session), this.#programs)
    this.#kinds.add(kindKey(session))
  }

  #placeOf(session: Session): Novelty | null {
    const { location } = session
    return location !== null && isNew(placeKey(session), this.#places) ? { of: 'place', location } : null
  }

  #kindOf(session: Session): Novelty | null {
    if (!isNew(kindKey(session), this.#kinds)) return null
    const system = session.device.os.name
    if (system !== null && isNew(system, this.#systems)) return { of: 'system', name: system }
    const program = programOf(session)
    if (program !== null && isNew(program, this.#programs)) return { of: 'program', name: program }
    return { of: 'combination' }
  }
}

const isNew = (value: string | null, known: ReadonlySet<string>): boolean =>
  value !== null && known.size > 0 && !known.has(value)

function remember(value: string | null, known: Set<string>): void {
  if (value !== null) known.add(value)
}

const placeKey = ({ location }: Session): string | null =>
  location === null ? null : JSON.stringify([location.city, location.country])

const programOf = ({ device }: Session): string | null => device.app.name ?? device.browser.name

/** What the mail about a new device compares. */
const kindKey = ({ device: { type, os, browser, app, model } }: Session): string =>
  JSON.stringify([type, os.name, browser.name, app.name, model])

/** Of addresses near each other; null where none is known. */
function areaOf(ip: string | null): string | null {
  const network = networkOf(ip, AREA)
  return network === UNKNOWN_NETWORK ? null : network
}
