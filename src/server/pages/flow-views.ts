/** What the pages of a flow look like, state by state. */
import { paths } from '../../protocol/paths.ts'
import type { EmailFlow } from '../emails/flow.ts'
import type { PasswordFault } from '../users/password-rules.ts'
import type { Page } from './document.ts'
import { html, type Html } from './html.ts'
import { texts } from './texts.ts'

/** A link that is good. */
export interface GoodLink {
  readonly token: string
  readonly accountAddress: string
  readonly sentTo: string
  readonly isVerified: boolean
  /** Where to go once it was used. */
  readonly returnTo: string | null
}

export type FlowForAnybody = EmailFlow & { readonly purpose: keyof typeof texts.asking }

export const isForAnybody = (flow: EmailFlow): flow is FlowForAnybody => flow.askedBy === 'anybody'

/** Says what the link would do, with the button that does it. */
export function usePage(flow: EmailFlow, link: GoodLink, faults: readonly PasswordFault[] = []): Page {
  const words = texts.flows[flow.purpose]
  const about = {
    account: html`<bdi>${link.accountAddress}</bdi>`,
    mail: html`<bdi>${link.sentTo}</bdi>`,
    isVerified: link.isVerified,
  }
  return {
    status: faults.length > 0 ? 400 : 200,
    title: words.title,
    isFaulty: faults.length > 0,
    formTarget: link.returnTo === null || link.returnTo.startsWith('/') ? null : new URL(link.returnTo).origin,
    body: html`${paragraphs(words.explanation(about))}
      <form method="post" action="${hrefTo(flow.page)}" novalidate>
        <input type="hidden" name="token" value="${link.token}" />
        ${link.returnTo !== null && html`<input type="hidden" name="return_to" value="${link.returnTo}" />`}
        ${flow.takesPassword && passwordField(link.accountAddress, faults)}
        <button>${words.button(about)}</button>
        <p class="quiet">${words.ifNotYou}</p>
      </form>`,
  }
}

/** Asks for the address to which a mail with a link is to go. @param refused an address that is none, as it was entered */
export function askPage(flow: FlowForAnybody, refused?: string): Page {
  const words = texts.asking[flow.purpose]
  const isFaulty = refused !== undefined
  return {
    status: isFaulty ? 400 : 200,
    title: words.title,
    isFaulty,
    body: html`<p>${words.explanation}</p>
      <form method="post" action="${hrefTo(flow.page)}" novalidate>
        <label for="email">${texts.address}</label>
        ${isFaulty && faultBox([texts.noAddress])}
        <input
          id="email"
          name="email"
          type="email"
          dir="ltr"
          value="${refused}"
          autocomplete="email"
          autocapitalize="none"
          spellcheck="false"
          required${isFaulty && FAULTY}
        />
        <button>${words.button}</button>
      </form>`,
  }
}

/** The same for known and unknown addresses. */
export const sentPage = (flow: EmailFlow): Page => ({
  status: 202,
  title: texts.sent.title,
  sign: 'mail',
  body: paragraphs(texts.sent.paragraphs(texts.duration(flow.lifetime))),
})

export function donePage(flow: EmailFlow): Page {
  const { done, reset } = texts.flows[flow.purpose]
  return {
    title: done.title,
    sign: 'done',
    body: html`${paragraphs(done.paragraphs)}${reset !== undefined && linkButton(paths.resetPage, reset)}`,
  }
}

/** The link was used, is too old or was replaced. */
export function deadLinkPage(flow: EmailFlow): Page {
  const { instead, reset } = texts.flows[flow.purpose]
  const again = isForAnybody(flow) && linkButton(flow.page, texts.asking[flow.purpose].again)
  return {
    status: 400,
    title: texts.deadLink.title,
    sign: 'failed',
    body: html`${paragraphs([...texts.deadLink.paragraphs, ...instead])}${again}
    ${reset !== undefined && linkButton(paths.resetPage, reset)}`,
  }
}

/** Somebody came here without a link, to a page that nobody can ask anything of. */
export const noLinkPage = (flow: EmailFlow, issuer: string): Page => ({
  title: texts.noLink.title,
  body: paragraphs([
    ...texts.noLink.paragraphs(html`<code dir="ltr">${issuer}${flow.page}?token=hpem_…</code>`),
    ...texts.flows[flow.purpose].instead,
  ]),
})

/** The hidden field lets a password manager keep the new password under the right name. */
const passwordField = (username: string, faults: readonly PasswordFault[]): Html =>
  html`<input name="username" type="text" value="${username}" autocomplete="username" readonly hidden />
    <label for="password">${texts.newPassword}</label>
    ${faults.length > 0 && faultBox(faults.map(({ message }) => message))}
    <input
      id="password"
      name="password"
      type="password"
      dir="ltr"
      autocomplete="new-password"
      required${faults.length > 0 ? FAULTY_WITH_HINT : HINTED}
    />
    <p class="hint" id="hint">${texts.passwordHint}</p>`

/** The cursor waits where something is to be entered anew, which also reads out what was wrong. */
const FAULTY = html` aria-invalid="true" aria-describedby="fault" autofocus`
const FAULTY_WITH_HINT = html` aria-invalid="true" aria-describedby="fault hint" autofocus`
const HINTED = html` aria-describedby="hint"`

const faultBox = (messages: readonly string[]): Html =>
  html`<p class="fault" id="fault" role="alert">${messages.map((message) => html`<span>${message}</span>`)}</p>`

const paragraphs = (words: readonly (string | Html)[]): Html => html`${words.map((each) => html`<p>${each}</p> `)}`

const linkButton = (path: string, words: string): Html => html`<a class="button" href="${hrefTo(path)}">${words}</a>`

/** Relative, since a proxy may have put the whole service under a path; no page of a flow lies deeper. */
const hrefTo = (path: string): string => path.slice(1)
