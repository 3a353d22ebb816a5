/** What "Your devices" looks like: the list, with all that can be done about a device. */
import { paths } from '../../protocol/paths.ts'
import type { Novelty } from '../sessions/novelty.ts'
import type { Session } from '../sessions/session.ts'
import { deviceIcon } from './devices-icons.ts'
import {
  carried,
  deviceForm,
  devicesHref,
  exactTime,
  nameOf,
  placeOf,
  relativeTime,
  shownAddress,
} from './devices-parts.ts'
import { DEVICES_SCRIPT } from './devices-script.ts'
import { undoSection, type UndoView } from './devices-undo-views.ts'
import type { Page } from './document.ts'
import { hiddenField, hrefTo, linkButton, paragraphs } from './elements.ts'
import { historySection, type HistoryView } from './history-views.ts'
import { html, type Html } from './html.ts'
import { texts } from './texts.ts'

const words = texts.devices

export interface DevicesView extends UndoView {
  /** The account's; null where it has none. */
  readonly address: string | null
  /** The one at which the page is looked at. */
  readonly current: Session
  /** In the order in which they are shown. */
  readonly others: readonly Session[]
  readonly novelties: ReadonlyMap<string, readonly Novelty[]>
  /** The newest of it. */
  readonly history: HistoryView
  /** How the last action went. */
  readonly done: Html | string | null
  /** Where to sign in, and come back. */
  readonly signInHref: string
  /** Where the person came from. */
  readonly back: { readonly returnTo: string; readonly host: string } | null
}

/**
 * devices.client.js keeps `#devices` up to date while the page is open: whatever it exchanges has a
 * `data-part`, and nothing that a person could be using is in one; outside of the list, `data-whole`. Lists have the
 * role of one, as Safari takes those without bullets for none.
 */
export const devicesPage = (view: DevicesView): Page => ({
  title: words.title,
  isWide: true,
  isLive: true,
  script: DEVICES_SCRIPT,
  referrerPolicy: 'same-origin',
  body: html`${goBack(view.back)} ${explanation(view.address)} ${notice(view.done)}
    <div id="devices" data-href="${devicesHref(returnToOf(view))}">
      <ul class="devices" role="list" aria-label="${words.list}">
        ${[view.current, ...view.others].map((session) => deviceItem(session, view))}
      </ul>
      ${othersForm(view)}
    </div>
    ${endedTemplate(view)}
    <div id="undoable" data-whole>${undoSection(view)}</div>
    <div id="history" data-whole>${historySection(view.history)}</div>`,
})

const returnToOf = ({ back }: DevicesView): string | null => back?.returnTo ?? null

const goBack = (back: DevicesView['back']): Html | null =>
  back && html`<p class="back"><a href="${back.returnTo}">${words.goBack(back.host)}</a></p>`

function explanation(address: string | null): Html {
  const reset = html`<a href="${hrefTo(paths.resetPage)}">${words.reset}</a>`
  return html`<p class="quiet">${words.explanation(shownAddress(address), reset)}</p>`
}

/** The cursor waits here after an action, so that its outcome is the first thing read. */
const notice = (done: DevicesView['done']): Html =>
  html`<p
    class="notice"
    id="notice"
    role="status"
    tabindex="-1"
    data-added="${words.live.added}"
    data-removed="${words.live.removed}"
    data-renamed="${words.live.renamed}"
    ${done !== null && html` autofocus`}
  >
    ${done !== null && html`<span>${done}</span>`}
  </p>`

function deviceItem(session: Session, view: DevicesView): Html {
  const { device } = session
  const isCurrent = session === view.current
  return html`<li class="device${isCurrent && ' current'}" id="device-${session.id}" data-name="${nameOf(session)}">
    <div class="about" data-part>
      ${deviceIcon(device.type, words.kinds[device.type])}
      <div>
        <h2><bdi>${nameOf(session)}</bdi>${isCurrent && html` <span class="tag">${words.thisDevice}</span>`}</h2>
        ${device.name !== null && html`<p class="quiet"><bdi>${device.label}</bdi></p>`}
        <p class="quiet facts">
          ${placeOf(session)}
          <span>${isCurrent ? words.inUse : words.lastUsed(relativeTime(session.lastUsedAt, view.now))}</span>
        </p>
        ${!isCurrent && marks(view.novelties.get(session.id) ?? [])}
      </div>
    </div>
    <div class="acts">${detailsOf(session)} ${renameForm(session, view)} ${signOutForm(session, view)}</div>
  </li> `
}

const marks = (novelties: readonly Novelty[]): Html | null =>
  novelties.length === 0
    ? null
    : html`<ul class="marks" role="list">
        ${novelties.map((novelty) => html`<li>${words.novelty(novelty)}</li> `)}
      </ul>`

function detailsOf(session: Session): Html {
  const { details } = words
  const { device, location, ip } = session
  const place = location && words.place(location)
  return html`<details class="act">
    <summary aria-label="${details.label(nameOf(session))}">${details.summary}</summary>
    <dl data-part>
      ${entry(details.signedIn, details.signedInAt(exactTime(session.createdAt), words.methods(session.amr)))}
      ${entry(details.lastUsed, exactTime(session.lastUsedAt))}
      ${place !== null && entry(details.place, html`${place}<span class="quiet">${details.aboutPlaces}</span>`)}
      ${ip !== null && entry(details.address, html`<bdi>${ip}</bdi>`)} ${versionOf(details.app, device.app)}
      ${versionOf(details.browser, device.browser)} ${versionOf(details.system, device.os)}
    </dl>
  </details>`
}

const versionOf = (term: string, { name, version }: Session['device']['app']): Html | null =>
  name === null ? null : entry(term, html`<bdi>${[name, version].filter(Boolean).join(' ')}</bdi>`)

const entry = (term: string, description: string | Html): Html =>
  html`<div>
    <dt>${term}</dt>
    <dd>${description}</dd>
  </div> `

function renameForm(session: Session, view: DevicesView): Html {
  const { rename } = words
  const { name, label } = session.device
  const id = `name-${session.id}`
  return html`<details class="act">
    <summary aria-label="${rename.label(nameOf(session))}">${rename.summary}</summary>
    ${deviceForm(
      'rename',
      session.id,
      view,
      html`<label for="${id}">${rename.field}</label>
        <input
          id="${id}"
          name="name"
          dir="auto"
          value="${name}"
          maxlength="100"
          autocomplete="off"
          aria-describedby="hint-${session.id}"
        />
        <p class="hint" id="hint-${session.id}">${rename.hint(label)}</p>
        <button>${rename.button}</button>`,
    )}
  </details>`
}

const signOutForm = (session: Session, view: DevicesView): Html =>
  deviceForm(
    session === view.current ? 'sign_out_here' : 'sign_out',
    session.id,
    view,
    html`<button class="out" aria-label="${words.signOut.label(nameOf(session))}">${words.signOut.button}</button>`,
  )

const othersForm = (view: DevicesView): Html =>
  html`<form
    class="others"
    method="post"
    action="${hrefTo(paths.devicesPage)}"
    ${view.others.length === 0 && html` hidden`}
  >
    ${carried(view)}${hiddenField('action', 'sign_out_others')}
    <button class="out">${words.signOut.others}</button>
  </form>`

/** What is shown in place of the list when this very session ends meanwhile. */
function endedTemplate(view: DevicesView): Html {
  const { title, reasons, signIn, show } = words.ended
  return html`<template id="ended">
    <h1 tabindex="-1">${title}</h1>
    ${Object.entries(reasons).map(([reason, told]) => html`<div data-reason="${reason}">${paragraphs(told)}</div> `)}
    <div class="sign-in">${linkButton(view.signInHref, signIn)}</div>
    <div class="show">${linkButton(devicesHref(returnToOf(view)), show)}</div>
  </template>`
}
