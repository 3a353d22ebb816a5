/** What every page shares: the document around it, and headers that let it do nothing but be read and sent. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Context } from '../http/context.ts'
import { html, verbatim, type Html } from './html.ts'
import { texts } from './texts.ts'
import type { Theme } from './theme.ts'

export interface Page {
  /** 200 where it is left out. */
  readonly status?: number
  /** The heading, and the title of the tab. */
  readonly title: string
  readonly body: Html
  /** How it went, drawn above the heading. */
  readonly sign?: 'done' | 'failed' | 'mail'
  /** A field has to be filled in anew: the title says so first, for those who hear it first. */
  readonly isFaulty?: boolean
  /** Another origin to which the answer to the form may redirect. */
  readonly formTarget?: string | null
  /** For long lists: not a card but the width of the window. */
  readonly isWide?: boolean
  /** It shows other documents of this service within. */
  readonly hasFrames?: boolean
  /** A file of this folder, for comfort only: nothing may need it. The page runs this script and no other. */
  readonly script?: string
  /** Its script talks to this service. */
  readonly isLive?: boolean
  /**
   * `same-origin` for pages with no secret in their address: browsers then say in `Origin` where their forms
   * come from (Fetch standard, "append a request Origin header"), also those that know no `Sec-Fetch-Site`.
   */
  readonly referrerPolicy?: 'same-origin'
}

export type SendPage = (ctx: Context, page: Page) => void

export interface Look {
  /** What people know the service by. */
  readonly name: string
  readonly theme: Theme
}

const STYLE = readFileSync(new URL('./style.css', import.meta.url), 'utf8')

export function createSendPage({ name, theme }: Look): SendPage {
  const style = STYLE + theme.style
  const sources = [`style-src ${sourceOf(style)}`, ...(theme.logo === null ? [] : ['img-src data:'])]
  const frame = { name, style: verbatim(style), logo: theme.logo }
  return (ctx, page) => {
    ctx.status = page.status ?? 200
    ctx.set(headersOf(page, sources))
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = documentOf(page, frame).toString()
  }
}

/** How a policy names an inline style or script (CSP level 3, section 2.3.1). */
function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

const sourcesOfScripts = new Map<string, string>()

function sourceOfScript(script: string): string {
  const source = sourcesOfScripts.get(script) ?? sourceOf(script)
  sourcesOfScripts.set(script, source)
  return source
}

const headersOf = (page: Page, sources: readonly string[]): Record<string, string> => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    ...sources,
    ...(page.script === undefined ? [] : [`script-src ${sourceOfScript(page.script)}`]),
    ...(page.isLive ? ["connect-src 'self'"] : []),
    ...(page.hasFrames ? ["frame-src 'self'"] : []),
    // Chromium holds the redirect that answers a form to this as well.
    ['form-action', "'self'", page.formTarget].filter(Boolean).join(' '),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // Addresses of pages hold tokens: they are kept nowhere, and told to nobody.
  'Cache-Control': 'no-store',
  'Referrer-Policy': page.referrerPolicy ?? 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
})

interface Frame {
  readonly name: string
  readonly style: Html
  readonly logo: string | null
}

const documentOf = (page: Page, { name, style, logo }: Frame): Html =>
  html`<!doctype html>
<html lang="${texts.language}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.isFaulty && texts.faultyTitle}${page.title} · ${name}</title>
<style>${style}</style>
</head>
<body${page.isWide && html` class="wide"`}>
<header>${logo === null ? html`${BADGE}<bdi>${name}</bdi>` : html`<img class="logo" src="${logo}" alt="${name}" />`}</header>
<main>
${page.sign && SIGNS[page.sign]}
<h1>${page.title}</h1>
${page.body}
</main>
${page.script !== undefined && verbatim(`<script>${page.script}</script>`)}
</body>
</html>
`

const BADGE = html`<svg class="badge" viewBox="0 0 24 24" aria-hidden="true">
  <rect x="4" y="7" width="16" height="14" rx="3" />
  <path d="M9.5 7V5.5a2.5 2.5 0 0 1 5 0V7M8 16.5h8M8 12.5h5" />
</svg>`

const SIGNS = {
  done: html`<svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d="m6.5 12.5 3.7 3.7 7.3-8" /></svg>`,
  failed: html`<svg class="sign failed" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 6.5v6.7m0 3.9v.2" /></svg>`,
  mail: html`<svg class="sign" viewBox="0 0 24 24" aria-hidden="true">
    <path d="M5.5 7.5h13v9.5h-13zm.4.6 6.1 5 6.1-5" />
  </svg>`,
}
