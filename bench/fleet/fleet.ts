/**
 * A fleet: so many sessions that nobody keeps a list of their tokens. All of a session follows from its number, so
 * whoever loads the table and whoever presents the tokens need to agree on nothing but how many there are.
 */
import { hash } from 'node:crypto'
import type { RefreshToken } from '../../src/server/tokens/refresh-token.ts'

/** Everybody's. */
export const PASSWORD = 'tidal lantern 42 orchard'

const DEVICES_A_USER = 10

export const usersOf = (sessions: number): number => Math.max(1, Math.floor(sessions / DEVICES_A_USER))

/** In the order of the table, a user's sessions lie far from each other: people sign in now and then. */
export const ownerOf = (session: number, sessions: number): number => session % usersOf(sessions)

export const userIdOf = (user: number): string => idOf('user', user)

export const emailOf = (user: number): string => `owner-${user}@example.com`

/** The token that the session's sign-in returned. */
export const firstTokenOf = (session: number, sessions: number): RefreshToken => ({
  userId: userIdOf(ownerOf(session, sessions)),
  sessionId: sessionIdOf(session),
  generation: 0,
  secret: secretOf(session),
})

export const sessionIdOf = (session: number): string => idOf('session', session)

export const secretOf = (session: number): Buffer => hash('sha256', `secret ${session}`, 'buffer')

/** 2026-01-01; a millisecond later for each. */
export const FIRST_MADE = 1_767_225_600_000

/** A UUIDv7, as the service makes them: later ones are greater. */
function idOf(kind: string, number: number): string {
  const time = (FIRST_MADE + number).toString(16).padStart(12, '0')
  const random = hash('sha256', `${kind} ${number}`)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`
}
