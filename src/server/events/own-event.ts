/** An event as the person it happened to may see it, in names of JSON. */
import type { HistoryEvent } from './history.ts'

/** That an administrator did it is told. Which one, from where and by which means is no business of the person. */
export const withoutInternals = (event: HistoryEvent): HistoryEvent =>
  event.actor === 'admin' ? { ...event, actorId: null, by: null, ip: null, details: {} } : event

export function ownEvent(event: HistoryEvent): Record<string, unknown> {
  const { id, type, createdAt, reason, subtype, actor, subject, by, ip, details } = withoutInternals(event)
  const isOfKey = type.startsWith('api_key.')
  return {
    id,
    type,
    created_at: createdAt,
    reason,
    subtype,
    actor,
    session: isOfKey ? null : subject,
    ...(isOfKey ? { api_key: subject } : {}),
    by,
    ip,
    details,
  }
}
