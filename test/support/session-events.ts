/** `GET /v1/sessions/current/events`, as those read it who follow their session. */
import { paths } from '../../src/protocol/paths.ts'
import { readEvents, type EventReader } from './event-reader.ts'
import type { SignedIn } from './people.ts'

export interface SessionFollower extends EventReader<{ readonly reason?: string }> {
  /** How often it was told that others changed. */
  changes(): number
  /** The reasons it was told, of which there should be one at most. */
  readonly reasons: readonly string[]
}

/** An answer that is no stream is one, too: see its `status`. */
export async function readSessionEvents(url: string, headers: Record<string, string>): Promise<SessionFollower> {
  const reasons: string[] = []
  const reader = await readEvents<{ reason?: string }>(new URL(paths.sessionEvents, url), {
    headers,
    onEvent: ({ event, data }) => void (event === 'ended' && reasons.push(data.reason ?? '')),
  })
  return Object.assign(reader, {
    reasons,
    changes: () => reader.events.filter(({ event }) => event === 'sessions_changed').length,
  })
}

export const bearer = ({ accessToken }: Pick<SignedIn, 'accessToken'>): { authorization: string } => ({
  authorization: `Bearer ${accessToken}`,
})

export const inCookie = ({ refreshToken }: Pick<SignedIn, 'refreshToken'>): { cookie: string } => ({
  cookie: `hallpass=${refreshToken}`,
})

/** @throws when it is refused */
export async function followSession(url: string, headers: Record<string, string>): Promise<SessionFollower> {
  const follower = await readSessionEvents(url, headers)
  if (follower.status !== 200) throw new Error(`following a session was answered ${follower.status}`)
  return follower
}
