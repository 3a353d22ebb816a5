/** A session in the words of operators. */
import type { Session } from '../../sessions/session.ts'
import { html, type Html } from '../html.ts'
import { texts } from '../texts.ts'
import { timeOf } from './frame.ts'
import { words, type Words } from './texts.ts'

/** Whether it lives; else since when and why it does not. */
export function whenAndWhy({ status, revokedAt, revokedReason, idleExpiresAt, expiresAt }: Session): Html {
  if (status === 'active') return html`<span class="tag">${words.session.status.active}</span>`
  const end = revokedAt ?? (expiresAt <= idleExpiresAt ? expiresAt : idleExpiresAt)
  const reason = revokedReason ?? (expiresAt <= idleExpiresAt ? 'expired_absolute' : 'expired_idle')
  return html`<span class="tag bad">${words.session.status[status]}</span> <code>${reason}</code><br /><span
      class="quiet"
      >${timeOf(end)}</span
    >`
}

export function whereOf({ location, ip }: Session): Words | null {
  const place = location && texts.devices.place(location)
  if (place === null) return ip
  return ip === null ? place : html`${place}<br /><span class="quiet">${ip}</span>`
}
