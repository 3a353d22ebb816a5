/** What is posted: a message as Standard Webhooks 1.0 has it, and its signatures. */
import { createHmac } from 'node:crypto'

/** The row of an event as it waits in the outbox; a ping is nothing but the first three. */
export interface WaitingEvent {
  readonly id: string
  readonly type: string
  /** As PostgreSQL writes it, with microseconds. */
  readonly created_at: string
  readonly [fact: string]: unknown
}

export interface Message {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** By name: whatever columns events may get, nobody is told of them by mistake. */
const FACTS = [
  'user_id',
  'session_id',
  'reason',
  'subtype',
  'actor',
  'actor_id',
  'actor_session_id',
  'ip',
  'details',
] as const

/**
 * The body is the same at every attempt; its time is the event's, that of the headers the attempt's.
 * @param secrets one signature for each: while a secret is being changed there are two
 */
export function writeMessage(event: WaitingEvent, secrets: readonly Uint8Array[], now: Date): Message {
  const facts = FACTS.filter((fact) => fact in event).map((fact) => [fact, event[fact]])
  const body = JSON.stringify({
    type: event.type,
    timestamp: new Date(event.created_at).toISOString(),
    data: Object.fromEntries(facts),
  })
  const timestamp = String(Math.floor(now.getTime() / 1000))
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Hallpass',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': secrets.map((secret) => sign(secret, `${event.id}.${timestamp}.${body}`)).join(' '),
    },
  }
}

/** Their version 1: a symmetric one. */
const sign = (secret: Uint8Array, signed: string): string =>
  `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`
