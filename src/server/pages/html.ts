/**
 * HTML that may be sent. Only the tag `html` makes it, and it escapes whatever is put into it, unless
 * that is such HTML itself: escaping cannot be forgotten, since a page takes nothing but `Html`.
 */
class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** To be named; made here alone. */
export type { Html }

/** What can stand between `${` and `}`: as text of an element, or of an attribute in double quotes. */
type Value = string | number | Html | readonly Value[] | null | undefined | false

export const html = (literals: TemplateStringsArray, ...values: readonly Value[]): Html =>
  new Html(String.raw({ raw: literals }, ...values.map(render)))

/** Text that is HTML as it stands. For files of this folder, never for what came from outside. */
export const verbatim = (text: string): Html => new Html(text)

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
