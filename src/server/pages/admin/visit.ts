/** An administrator at one of the pages, and how they get from there to others. */
import type { FormParameters } from '../../http/body.ts'
import type { Actor } from '../../sessions/actor.ts'
import type { Session } from '../../sessions/session.ts'
import type { Page } from '../document.ts'
import { hiddenField, hrefTo } from '../elements.ts'
import { html, type Html } from '../html.ts'
import type { Question, Words } from './texts.ts'

export interface Visit {
  /** The administrator's own. */
  readonly session: Session
  /** The database's clock. */
  readonly now: Date
  /** For the history. */
  readonly actor: Actor
  readonly formToken: string
  /**
   * The sign-in is too long ago, and the page carries that the person confirmed who they are. No address does, so
   * that links have to be forms.
   */
  readonly isCarried: boolean
  /** From the page to where paths begin: hrefs are relative, since a proxy may have put all of it under a path. */
  readonly root: '' | '../'
}

/** What the query or the form of a page says; anybody can have written it. */
export type Wanted = FormParameters

/** How an action went, said above the page. */
export type Outcome = { readonly done: Words } | { readonly fault: Words }

export interface Action {
  /** @returns null where there is nothing to ask */
  ask?(visit: Visit, wanted: Wanted): Promise<Question | Outcome | null>
  act(visit: Visit, wanted: Wanted): Promise<Outcome>
}

export interface AdminPage {
  readonly path: string
  /** @throws {Problem} 404 where there is no such thing */
  show(visit: Visit, wanted: Wanted, outcome: Outcome | null): Promise<Page>
  readonly actions: Readonly<Record<string, Action>>
}

type Parameters = Readonly<Record<string, string | null>>

export const hrefFrom = ({ root }: Pick<Visit, 'root'>, path: string, parameters: Parameters = {}): string =>
  root + hrefTo(path, parameters)

/** To another page, or the same with other parameters. */
export const linkFrom = (
  visit: Visit,
  path: string,
  parameters: Parameters,
  words: Words,
  isCurrent: boolean = false,
): Html =>
  visit.isCarried
    ? html`<form class="go" method="post" action="${hrefFrom(visit, path)}">
        ${fieldsOf(visit, parameters)}<button class="go" ${isCurrent && html` aria-current="page"`}>${words}</button>
      </form>`
    : html`<a href="${hrefFrom(visit, path, parameters)}" ${isCurrent && html` aria-current="page"`}>${words}</a>`

/** @param parameters with the `action`, where it does something */
export const formFrom = (visit: Visit, path: string, parameters: Parameters, content: Html): Html =>
  html`<form method="post" action="${hrefFrom(visit, path)}">${fieldsOf(visit, parameters)} ${content}</form>`

const fieldsOf = (visit: Visit, parameters: Parameters): Html =>
  html`${hiddenField('form_token', visit.formToken)}${Object.entries(parameters).map(([name, value]) =>
    hiddenField(name, value),
  )}`
