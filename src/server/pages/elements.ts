/** What several pages are put together from. */
import { html, type Html } from './html.ts'
import { texts } from './texts.ts'

/** Relative, since a proxy may have put the whole service under a path; no page with a form lies deeper. */
export function hrefTo(path: string, parameters: Readonly<Record<string, string | null>> = {}): string {
  const given = Object.entries(parameters).filter((each): each is [string, string] => each[1] !== null)
  const query = new URLSearchParams(given).toString()
  return path.slice(1) + (query && `?${query}`)
}

export const paragraphs = (words: readonly (string | Html)[]): Html =>
  html`${words.map((each) => html`<p>${each}</p> `)}`

export const linkButton = (href: string, words: string): Html => html`<a class="button" href="${href}">${words}</a>`

export const hiddenField = (name: string, value: string | null): Html =>
  value === null ? html`` : html`<input type="hidden" name="${name}" value="${value}" />`

/** What is to be entered anew, and why; read out as soon as it is there. */
export const faultBox = (faults: readonly string[]): Html =>
  faults.length === 0
    ? html``
    : html`<p class="fault" id="fault" role="alert">${faults.map((fault) => html`<span>${fault}</span>`)}</p>`

interface FieldOptions {
  readonly autocomplete: string
  /** Shown at this field, where the cursor then waits. */
  readonly faults?: readonly string[]
  /** The cursor waits here although nothing is wrong with it. */
  readonly isFirst?: boolean
  /** The id of what is read out with it. */
  readonly describedBy?: string | undefined
}

export const addressField = (options: FieldOptions & { readonly value?: string | undefined }): Html =>
  html`<label for="email">${texts.address}</label>
    ${faultBox(options.faults ?? [])}
    <input
      id="email"
      name="email"
      type="email"
      dir="ltr"
      value="${options.value}"
      autocomplete="${options.autocomplete}"
      autocapitalize="none"
      spellcheck="false"
      required${stateOf(options)}
    />`

/** The toggle that shows it is made by password-form.js, so that without a script there is none. */
export const passwordField = (
  options: FieldOptions & {
    readonly label: string
    readonly hint?: string
    /** What is wrong stands elsewhere on the page already. */
    readonly isAtFault?: boolean
  },
): Html =>
  html`<div class="password" data-show="${texts.showPassword}" data-hide="${texts.hidePassword}">
    <label for="password">${options.label}</label>
    ${faultBox(options.faults ?? [])}
    <input
      id="password"
      name="password"
      type="password"
      dir="ltr"
      autocomplete="${options.autocomplete}"
      required${stateOf(options)}
    />
    ${options.hint !== undefined && html`<p class="hint" id="hint">${options.hint}</p>`}
  </div>`

/** The cursor waits where something is to be entered anew, which also reads out what was wrong. */
function stateOf(options: FieldOptions & { hint?: string; isAtFault?: boolean }): Html {
  const isFaulty = options.isAtFault === true || (options.faults ?? []).length > 0
  const parts = [isFaulty && 'fault', options.hint !== undefined && 'hint', options.describedBy]
  const describing = parts.filter(Boolean).join(' ')
  return html`${isFaulty && html` aria-invalid="true"`}${describing !== '' && html` aria-describedby="${describing}"`}${
    (isFaulty || options.isFirst === true) && html` autofocus`
  }`
}
