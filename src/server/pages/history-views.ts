/** What the history looks like: the newest of it below the list of devices, and all of it on a page of its own. */
import { paths } from '../../protocol/paths.ts'
import type { HistoryEvent, Named } from '../events/history.ts'
import type { Session } from '../sessions/session.ts'
import { devicesHref, exactTime, placeOf, relativeTime } from './devices-parts.ts'
import type { Page } from './document.ts'
import { hrefTo } from './elements.ts'
import { html, type Html } from './html.ts'
import { texts } from './texts.ts'
import { TIMES_SCRIPT } from './times-script.ts'

const words = texts.history

/** As its owner may see it. */
export interface HistoryEntry {
  readonly event: HistoryEvent
  /** Where it was done, if that is known. */
  readonly location: Session['location']
}

export interface HistoryView {
  /** The newest first. */
  readonly entries: readonly HistoryEntry[]
  /** The session at which it is looked at. */
  readonly currentId: string
  readonly now: Date
  readonly returnTo: string | null
  /** Where the next page begins. */
  readonly cursor: string | null
}

/** Below the list of devices. */
export const historySection = (view: HistoryView): Html =>
  html`<section aria-labelledby="history-title">
    <h2 id="history-title">${words.recent}</h2>
    ${entryList(view)}
    ${view.cursor !== null && html`<p class="more"><a id="all" href="${historyHref(view.returnTo, null)}">${words.all}</a></p>`}
  </section>`

/** @param isFirst whether nothing is newer than what it shows */
export const historyPage = (view: HistoryView & { readonly isFirst: boolean }): Page => ({
  title: words.title,
  isWide: true,
  script: TIMES_SCRIPT,
  referrerPolicy: 'same-origin',
  body: html`<p class="back"><a href="${devicesHref(view.returnTo)}">${texts.devices.back}</a></p>
    <p class="quiet">${words.explanation(html`<a href="${hrefTo(paths.resetPage)}">${texts.devices.reset}</a>`)}</p>
    ${entryList(view)} ${pager(view)}`,
})

const historyHref = (returnTo: string | null, cursor: string | null): string =>
  hrefTo(paths.historyPage, { cursor, return_to: returnTo })

const pager = ({ isFirst, cursor, returnTo }: HistoryView & { isFirst: boolean }): Html =>
  html`<p class="more">
    ${!isFirst && html`<a href="${historyHref(returnTo, null)}">${words.newest}</a>`}
    ${cursor !== null && html`<a href="${historyHref(returnTo, cursor)}">${words.older}</a>`}
  </p>`

const entryList = (view: HistoryView): Html =>
  view.entries.length === 0
    ? html`<p>${words.empty}</p>`
    : html`<ol class="history" role="list">
        ${view.entries.map((entry) => entryItem(entry, view))}
      </ol>`

function entryItem({ event, location }: HistoryEntry, { currentId, now }: HistoryView): Html {
  const { what, mark, advice } = words.told({
    event,
    device: named(event.subject, currentId),
    // Who did it to themselves did it there.
    from: event.by === null || event.by.id === event.subject?.id ? null : named(event.by, currentId),
  })
  return html`<li${advice !== null && html` class="alarm"`}>
    <p>${what}${mark !== null && html` <span class="mark">${mark}</span>`}</p>
    ${advice !== null && html`<p class="quiet">${advice}</p>`}
    <p class="quiet facts">
      <span>${relativeTime(event.createdAt, now)}</span>
      <span>${exactTime(event.createdAt)}</span>
      ${placeOf({ location, ip: event.ip })}
    </p>
  </li> `
}

function named(thing: Named | null, currentId: string): Html {
  if (thing?.id === currentId) return html`${words.thisDevice}`
  const name = thing?.name ?? null
  return name === null ? html`${words.forgotten}` : html`<bdi>${name}</bdi>`
}
