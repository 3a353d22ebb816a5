/** What every page shares: the document around it, and headers that let it do nothing but be read and sent. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Context } from '../http/context.ts'
import { html, verbatim, type Html } from './html.ts'
import { texts } from './texts.ts'

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
  /** For long lists: not a card but the width of the window, with frames of our own. */
  readonly isWide?: boolean
}

export type SendPage = (ctx: Context, page: Page) => void

const STYLE = readFileSync(new URL('./style.css', import.meta.url), 'utf8')
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** @param deps.name what people know the service by */
export const createSendPage =
  ({ name }: { name: string }): SendPage =>
  (ctx, page) => {
    ctx.status = page.status ?? 200
    ctx.set(headersOf(page))
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = documentOf(page, name).toString()
  }

const headersOf = (page: Page): Record<string, string> => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    ...(page.isWide ? ["frame-src 'self'"] : []),
    // Chromium holds the redirect that answers a form to this as well.
    ['form-action', "'self'", page.formTarget].filter(Boolean).join(' '),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // Addresses of pages hold tokens: they are kept nowhere, and told to nobody.
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
})

const documentOf = (page: Page, name: string): Html =>
  html`<!doctype html>
<html lang="${texts.language}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.isFaulty && texts.faultyTitle}${page.title} · ${name}</title>
<style>${verbatim(STYLE)}</style>
</head>
<body${page.isWide && html` class="wide"`}>
<header>${BADGE}<bdi>${name}</bdi></header>
<main>
${page.sign && SIGNS[page.sign]}
<h1>${page.title}</h1>
${page.body}
</main>
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
