/** What all pages for operators share: the way to the others, how the last action went, and how things are drawn. */
import { paths } from '../../../protocol/paths.ts'
import type { Page } from '../document.ts'
import { html, type Html } from '../html.ts'
import { words, type Words } from './texts.ts'
import { linkFrom, type Outcome, type Visit } from './visit.ts'

interface Content {
  /** Of the page, for the list at the top: which of them is shown. */
  readonly path: string
  readonly title: string
  readonly outcome: Outcome | null
  readonly body: Html
  readonly script?: string
}

const PLACES = [
  [paths.adminPage, words.places.users],
  [paths.adminSessionsPage, words.places.sessions],
  [paths.adminKeysPage, words.places.keys],
  [paths.adminFiguresPage, words.places.figures],
  [paths.adminWebhooksPage, words.places.webhooks],
] as const

export const framed = (visit: Visit, { path, title, outcome, body, script }: Content): Page => ({
  status: outcome !== null && 'fault' in outcome ? 400 : 200,
  title,
  isWide: true,
  isFaulty: outcome !== null && 'fault' in outcome,
  referrerPolicy: 'same-origin',
  ...(script !== undefined && { script, isLive: true }),
  body: html`<nav aria-label="${words.places.label}">
      <ul role="list">
        ${PLACES.map(([place, name]) => html`<li>${linkFrom(visit, place, {}, name, place === path)}</li> `)}
      </ul>
    </nav>
    ${told(outcome)} ${body}`,
})

function told(outcome: Outcome | null): Html | null {
  if (outcome === null) return null
  return 'fault' in outcome
    ? html`<p class="fault" id="fault" role="alert">${outcome.fault}</p>`
    : html`<p class="notice" role="status" tabindex="-1" autofocus><span>${outcome.done}</span></p>`
}

export const section = (title: string, body: Html): Html =>
  html`<section>
    <h2>${title}</h2>
    ${body}
  </section> `

export const facts = (entries: readonly (readonly [string, Words | null])[]): Html =>
  html`<dl>
    ${entries.map(
      ([term, description]) =>
        html`<div>
          <dt>${term}</dt>
          <dd>${description ?? html`<span class="quiet">–</span>`}</dd>
        </div> `,
    )}
  </dl>`

/** On a small screen it is scrolled within, also by keyboard, so it needs a name. */
export const table = (name: string, heads: readonly Words[], rows: readonly (readonly (Words | null)[])[]): Html =>
  rows.length === 0
    ? html`<p class="quiet">${words.nothing}</p>`
    : html`<div class="table" role="region" aria-label="${name}" tabindex="0">
        <table>
          <thead>
            <tr>
              ${heads.map((head) => html`<th scope="col">${head}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              (row) =>
                html`<tr>
                  ${row.map((cell) => html`<td>${cell}</td>`)}
                </tr> `,
            )}
          </tbody>
        </table>
      </div>`

/** To the second, as the history has it. UTC, as nobody told us where the operator is. */
export const timeOf = (at: Date): Html => html`<time datetime="${at.toISOString()}">${words.time(at)}</time>`

export const code = (text: string): Html => html`<code>${text}</code>`

export const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** A field of one line, with its label. @param id of the element; several forms of a page may have the same name */
export const field = (
  label: Words,
  name: string,
  options: { id?: string; type?: string; value?: string | undefined; hint?: string | undefined } = {},
): Html => {
  const { id = name, type = 'text', value, hint } = options
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <input
      id="${id}"
      name="${name}"
      type="${type}"
      value="${value}"
      autocomplete="off"
      autocapitalize="none"
      spellcheck="false"
      ${hint !== undefined && html` aria-describedby="${id}-hint"`}
    />
    ${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}
  </div>`
}
