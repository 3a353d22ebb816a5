/**
 * A link in a webmail is cross-site, and SameSite=Strict keeps the cookie from what it opens. A document that
 * loads the page once more does so as this site, and the cookie comes along.
 */
import type { Context } from '../http/context.ts'
import type { Page } from './document.ts'
import { hrefTo } from './elements.ts'
import { html } from './html.ts'
import { texts } from './texts.ts'

/** In the address of the second load, so that there is never a third. */
const MARK = 'reloaded'

/** Whether the cookie may only be hidden. */
export const mayHideCookie = (ctx: Context): boolean =>
  ctx.get('sec-fetch-site') === 'cross-site' && ctx.query[MARK] === undefined

/**
 * The link is for browsers that do not reload by themselves.
 * @param parameters what the address had, and is to keep
 */
export function reloadPage(path: string, parameters: Readonly<Record<string, string | null>>): Page {
  const href = hrefTo(path, { ...parameters, [MARK]: '1' })
  return {
    title: texts.reload.title,
    body: html`<meta http-equiv="refresh" content="0; url=${href}" />
      <p><a href="${href}">${texts.reload.link}</a></p>`,
  }
}
