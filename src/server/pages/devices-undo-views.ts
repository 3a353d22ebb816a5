/** What was signed out a moment ago, below the list: each can be taken back. */
import type { Session } from '../sessions/session.ts'
import { deviceIcon } from './devices-icons.ts'
import { deviceForm, nameOf, relativeTime, type Carried } from './devices-parts.ts'
import { html, type Html } from './html.ts'
import { texts } from './texts.ts'

const words = texts.devices

export interface UndoView extends Carried {
  /** In the order in which they are shown. */
  readonly undoable: readonly Session[]
  readonly now: Date
}

export const undoSection = (view: UndoView): Html | null =>
  view.undoable.length === 0
    ? null
    : html`<section aria-labelledby="undo">
        <h2 id="undo">${words.undo.title}</h2>
        <p class="quiet">${words.undo.explanation}</p>
        <ul class="devices" role="list">
          ${view.undoable.map((session) => goneItem(session, view))}
        </ul>
      </section>`

function goneItem(session: Session, view: UndoView): Html {
  const { id, device, revokedAt } = session
  return html`<li class="gone" id="gone-${id}">
    <div class="about">
      ${deviceIcon(device.type, words.kinds[device.type])}
      <div>
        <h3><bdi>${nameOf(session)}</bdi></h3>
        <p class="quiet facts">
          ${device.name !== null && html`<span><bdi>${device.label}</bdi></span>`}
          ${revokedAt !== null && html`<span>${words.undo.signedOut(relativeTime(revokedAt, view.now))}</span>`}
        </p>
      </div>
    </div>
    ${deviceForm(
      'undo',
      id,
      view,
      html`<button class="plain" id="undo-${id}" aria-label="${words.undo.label(nameOf(session))}">
        ${words.undo.button}
      </button>`,
    )}
  </li> `
}
