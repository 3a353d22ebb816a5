/** `/dev/mailbox`: the mails that a developer's service keeps, and what they look like. */
import { validate as isUuid } from 'uuid'
import type { DevMailbox, KeptMail } from '../emails/dev-mailbox.ts'
import { Problem } from '../errors.ts'
import type { Handler } from '../http/context.ts'
import { demandThisMachine } from '../http/this-machine.ts'
import { createSendPage, type Look, type Page } from './document.ts'
import { html, type Html } from './html.ts'
import { createInWords } from './in-words.ts'
import { texts } from './texts.ts'

/** Each mail is a frame with a document of its own. */
const MOST_SHOWN = 50

/** What the document of a mail may do: have its own styles, and open its links in a new tab. */
const MAIL_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "frame-ancestors 'self'",
  'sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation',
].join('; ')

export interface MailboxPages {
  /** All of them, newest first. */
  list: Handler
  /** The HTML of one of them, for the frame that shows it. */
  mail: Handler
}

/** Shown to somebody at this machine only. */
export function createMailboxPages(deps: Look & { mailbox: Pick<DevMailbox, 'list' | 'find'> }): MailboxPages {
  const { mailbox } = deps
  const send = createSendPage(deps)
  const inWords = createInWords(send)
  return {
    list: inWords(async (ctx) => {
      demandThisMachine(ctx)
      send(ctx, listPage(await mailbox.list()))
    }),
    mail: inWords(async (ctx) => {
      demandThisMachine(ctx)
      const { id = '' } = ctx.params as { id?: string }
      const mail = isUuid(id) ? await mailbox.find(id) : null
      if (mail === null) throw new Problem(404, 'not_found', 'There is no such mail.')
      ctx.set({
        'Content-Security-Policy': MAIL_POLICY,
        'Referrer-Policy': 'no-referrer',
        'Cache-Control': 'no-store',
      })
      ctx.type = 'text/html; charset=utf-8'
      // Pages refuse to be framed, so a link leaves the frame.
      ctx.body = mail.html.replace(/<head[^>]*>/i, '$&<base target="_blank">')
    }),
  }
}

function listPage(mails: readonly KeptMail[]): Page {
  const words = texts.mailbox
  const shown = mails.slice(-MOST_SHOWN).toReversed()
  return {
    title: words.title,
    isWide: true,
    hasFrames: true,
    body: html`<p class="quiet">${words.explanation}</p>
      ${mails.length === 0 && html`<p>${words.empty}</p>`} ${shown.map(mailArticle)}
      ${shown.length < mails.length && html`<p class="quiet">${words.more(shown.length, mails.length)}</p>`}`,
  }
}

function mailArticle({ id, to, subject, text, createdAt }: KeptMail): Html {
  const words = texts.mailbox
  const links = [...new Set(text.match(LINK))]
  return html`<article aria-labelledby="subject-${id}">
    <h2 id="subject-${id}">${subject}</h2>
    <p class="quiet">
      ${words.to} <bdi>${to}</bdi> · <time datetime="${createdAt.toISOString()}">${words.time(createdAt)}</time>
    </p>
    ${
      links.length > 0 &&
      html`<ul aria-label="${words.links}">
        ${links.map((link) => html`<li>${anchor(link)}</li>`)}
      </ul>`
    }
    <iframe
      src="mailbox/${id}"
      title="${words.preview(subject)}"
      loading="lazy"
      sandbox="allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
    ></iframe>
    <details>
      <summary>${words.plainText}</summary>
      <pre dir="auto">${linked(text)}</pre>
    </details>
  </article> `
}

const LINK = /https?:\/\/[^\s<>"']+/g

const anchor = (link: string): Html => html`<a href="${link}" dir="ltr">${link}</a>`

/** The text with its links made clickable. */
function linked(text: string): Html {
  const links = text.match(LINK) ?? []
  return html`${text.split(LINK).map((between, index) => {
    const link = links[index]
    return html`${between}${link !== undefined && anchor(link)}`
  })}`
}
