/** What the pages of a flow look like, state by state. */
import { paths } from '../../protocol/paths.ts'
import type { EmailFlow } from '../emails/flow.ts'
import type { PasswordFault } from '../users/password-rules.ts'
import type { Page } from './document.ts'
import { addressField, hiddenField, hrefTo, linkButton, paragraphs, passwordField } from './elements.ts'
import { html, type Html } from './html.ts'
import { inForm, type Onwards } from './onwards.ts'
import { PASSWORD_FORM } from './password-form.ts'
import { formTargetOf } from './return-to.ts'
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
    formTarget: formTargetOf(link.returnTo),
    ...(flow.takesPassword && { script: PASSWORD_FORM }),
    body: html`${paragraphs(words.explanation(about))}
      <form method="post" action="${hrefTo(flow.page)}" novalidate>
        ${hiddenField('token', link.token)} ${hiddenField('return_to', link.returnTo)}
        ${flow.takesPassword && newPassword(link.accountAddress, faults)}
        <button>${words.button(about)}</button>
        <p class="quiet">${words.ifNotYou}</p>
      </form>`,
  }
}

interface Entered {
  readonly address: string
  readonly isRefused?: boolean
}

/**
 * Asks for the address to which a mail with a link is to go.
 * @param entered whose page it is, or what was entered; refused where it is no address
 */
export function askPage(flow: FlowForAnybody, onwards: Onwards, entered: Entered): Page {
  const words = texts.asking[flow.purpose]
  const { address, isRefused: isFaulty = false } = entered
  return {
    status: isFaulty ? 400 : 200,
    title: words.title,
    isFaulty,
    referrerPolicy: 'same-origin',
    body: html`<p>${words.explanation}</p>
      <form method="post" action="${hrefTo(flow.page)}" novalidate>
        ${inForm(onwards)}
        ${addressField({ value: address, autocomplete: 'email', faults: isFaulty ? [texts.noAddress] : [] })}
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
  const { done, reset, signIn } = texts.flows[flow.purpose]
  return {
    title: done.title,
    sign: 'done',
    body: html`${paragraphs(done.paragraphs)}${reset !== undefined && linkButton(hrefTo(paths.resetPage), reset)}
    ${signIn !== undefined && linkButton(hrefTo(paths.signInPage), signIn)}`,
  }
}

/** The link was used, is too old or was replaced. */
export function deadLinkPage(flow: EmailFlow): Page {
  const { instead, reset } = texts.flows[flow.purpose]
  const again = isForAnybody(flow) && linkButton(hrefTo(flow.page), texts.asking[flow.purpose].again)
  return {
    status: 400,
    title: texts.deadLink.title,
    sign: 'failed',
    body: html`${paragraphs([...texts.deadLink.paragraphs, ...instead])}${again}
    ${reset !== undefined && linkButton(hrefTo(paths.resetPage), reset)}`,
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
const newPassword = (username: string, faults: readonly PasswordFault[]): Html =>
  html`<input name="username" type="text" value="${username}" autocomplete="username" readonly hidden />
    ${passwordField({
      label: texts.newPassword,
      autocomplete: 'new-password',
      hint: texts.passwordHint,
      faults: faults.map(({ message }) => message),
    })}`
