/** What the list of devices and the history have in common: names, times, places, and a form about one device. */
import { paths } from '../../protocol/paths.ts'
import type { Session } from '../sessions/session.ts'
import { timeAgo } from './devices-times.ts'
import { hiddenField, hrefTo } from './elements.ts'
import { html, type Html } from './html.ts'
import { texts } from './texts.ts'

const words = texts.devices

/** The page as it is now, with the way back that it has. */
export const devicesHref = (returnTo: string | null): string => hrefTo(paths.devicesPage, { return_to: returnTo })

/** As text, for labels. */
export const nameOf = ({ device }: Session): string => device.name ?? device.label

/** As part of a sentence, whichever way it is written. */
export const shownName = (session: Session): Html => html`<bdi>${nameOf(session)}</bdi>`

/** As a part of a sentence that can do without it. */
export const shownAddress = (address: string | null): Html | null =>
  address === null ? null : html`<bdi>${address}</bdi>`

export const relativeTime = (at: Date, now: Date): Html =>
  html`<time class="ago" datetime="${at.toISOString()}" title="${words.exact(at)}" data-just-now="${words.justNow}"
    >${timeAgo(at, now, { language: texts.language, justNow: words.justNow })}</time
  >`

export const exactTime = (at: Date): Html =>
  html`<time class="exact" datetime="${at.toISOString()}">${words.exact(at)}</time>`

/** @param ip shown where the place is not known; a network with its mask, where it is old */
export function placeOf({ location, ip }: Pick<Session, 'location' | 'ip'>): Html | null {
  const place = location && words.place(location)
  if (place !== null) return html`<span>${place}</span>`
  if (ip === null) return null
  return html`<span>${ip.includes('/') ? words.network(ip) : words.address(ip)}</span>`
}

/** What each form of the page carries along. */
export interface Carried {
  readonly formToken: string
  /** Where the person came from. */
  readonly back: { readonly returnTo: string } | null
}

export const carried = ({ formToken, back }: Carried): Html =>
  html`${hiddenField('form_token', formToken)}${hiddenField('return_to', back?.returnTo ?? null)}`

export const deviceForm = (action: string, id: string, page: Carried, content: Html): Html =>
  html`<form class="act" method="post" action="${hrefTo(paths.devicesPage)}">
    ${carried(page)}${hiddenField('action', action)}${hiddenField('id', id)} ${content}
  </form>`
