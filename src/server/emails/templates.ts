/** The files that mails are made from: which of them speaks for a page in a language, compiled once. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta, EtaFileResolutionError } from 'eta/core'

export interface Templates {
  /** The languages there is any file for, in lower case. */
  readonly languages: readonly string[]
  /**
   * @param page a name without language and ending: `confirm`
   * @param locale the language wanted (BCP 47, from a stranger); it may go on to a less special one, or to none
   * @param data what the template sees as `it`, once its language is known (null: the one without a language)
   */
  render(page: string, locale: string | null, data: (language: string | null) => object): string
}

/**
 * Reads and compiles every template of a kind, so that a mistake in one is found at the start.
 *
 * @param directories the first that has a page speaks for it, in whatever language
 */
export function createTemplates({
  kind,
  directories,
}: {
  kind: 'html' | 'txt'
  directories: readonly string[]
}): Templates {
  const eta = new Eta({ autoEscape: kind === 'html', autoTrim: false, autoFilter: true, filterFunction, debug: true })
  const shelves = directories.map((directory) => readShelf(directory, kind))
  const files = new Map(shelves.flatMap((shelf) => [...shelf.values()]).map((file) => [file.path, file]))
  for (const { path } of files.values()) compile(eta, path)

  const find = (page: string, locale: string | null): TemplateFile => {
    for (const shelf of shelves) {
      for (const language of fallbacks(locale)) {
        const file = shelf.get(keyOf(page, language))
        if (file !== undefined) return file
      }
    }
    throw new EtaFileResolutionError(`There is no template ${page}.${kind}.eta`)
  }

  // A layout or a partial comes in the language of the page that asks for it, so that no mail speaks two.
  // Both have to be set, or Eta looks for files no more; with the cache on, it finds all of them there.
  eta.resolvePath = (page, options) => find(page, files.get(options?.filepath ?? '')?.language ?? null).path
  eta.readFile = (path) => readFileSync(path, 'utf8')
  eta.configure({ cache: true })

  return {
    languages: [...new Set([...files.values()].flatMap(({ language }) => language ?? []))],
    render(page, locale, data) {
      const { path, language } = find(page, locale)
      return eta.render(eta.templatesSync.get(path), data(language), { filepath: path })
    },
  }
}

interface TemplateFile {
  readonly path: string
  readonly language: string | null
}

/** What is not there is left out, also the `false` of `<%= it.place && '...' %>`. */
const filterFunction = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

const FILE_NAME = /^([a-z_]+)(?:\.([a-z0-9-]{1,35}))?\.(html|txt)\.eta$/
const HOW_TO_NAME = 'name it <page>.<html or txt>.eta or <page>.<language, as in de-AT>.<html or txt>.eta'

/** What a directory has of a kind. Names are looked up here and nowhere else: none is ever made into a path. */
const readShelf = (directory: string, kind: string): Map<string, TemplateFile> => {
  const shelf = new Map<string, TemplateFile>()
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.eta'))) {
    const [, page, language = null, itsKind] = FILE_NAME.exec(name.toLowerCase()) ?? []
    if (page === undefined || !isLanguage(language))
      throw new Error(`The template ${join(directory, name)} would not be found: ${HOW_TO_NAME}`)
    if (itsKind !== kind) continue
    shelf.set(keyOf(page, language), { path: join(directory, name), language })
  }
  return shelf
}

const isLanguage = (tag: string | null): boolean => {
  try {
    return tag === null || Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

const keyOf = (page: string, language: string | null): string => (language === null ? page : `${page}.${language}`)

const compile = (eta: Eta, path: string): void => {
  try {
    eta.loadTemplate(path, readFileSync(path, 'utf8').replaceAll('\r\n', '\n'))
  } catch (cause) {
    // Under its line of equals signs Eta shows the whole program it made of the template.
    const [complaint] = (cause instanceof Error ? cause.message : String(cause)).split('\n==')
    throw new Error(`The template ${path} is not one: ${complaint}`, { cause })
  }
}

/** de-AT, de, none. */
const fallbacks = (locale: string | null): (string | null)[] => {
  if (locale === null || !/^[A-Za-z0-9-]{1,35}$/.test(locale)) return [null]
  const subtags = locale.toLowerCase().split('-')
  return [...subtags.map((_, index) => subtags.slice(0, subtags.length - index).join('-')), null]
}
