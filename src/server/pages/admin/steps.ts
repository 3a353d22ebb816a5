/** What the pages for operators show in place of themselves: a question first, or why nothing was done. */
import { paths } from '../../../protocol/paths.ts'
import type { Page } from '../document.ts'
import { hiddenField, linkButton, paragraphs, passwordField } from '../elements.ts'
import { html, type Html } from '../html.ts'
import { inForm } from '../onwards.ts'
import { PASSWORD_FORM } from '../password-form.ts'
import type { Proof } from '../proving.ts'
import { words, type Question } from './texts.ts'
import { formFrom, hrefFrom, linkFrom, type Visit } from './visit.ts'

interface Confirmation {
  /** What was asked for, to be done when it is clear who asks. */
  readonly fields: Readonly<Record<string, string>>
  readonly proof: Proof
  readonly status: number
  /** What was wrong with the last answer. */
  readonly words: readonly string[]
}

export const confirmPage = (visit: Visit, path: string, confirmation: Confirmation): Page => ({
  status: confirmation.status,
  title: words.confirm.title,
  isFaulty: confirmation.words.length > 0,
  referrerPolicy: 'same-origin',
  ...(confirmation.proof.by === 'password' && { script: PASSWORD_FORM }),
  body: html`<p>${words.confirm.why}</p>
    ${stepOf(visit, path, confirmation)}`,
})

/** The hidden field tells a password manager whose password is asked for. */
function stepOf(visit: Visit, path: string, { fields, proof, words: faults }: Confirmation): Html {
  switch (proof.by) {
    case 'password':
      return formFrom(
        visit,
        path,
        { ...fields, confirm: 'password' },
        html`<input name="username" type="text" value="${proof.address}" autocomplete="username" readonly hidden />
          ${passwordField({
            label: words.confirm.password,
            autocomplete: 'current-password',
            isFirst: true,
            faults,
          })}
          <button>${words.confirm.button}</button>`,
      )
    case 'mail':
      return html`<p>${words.confirm.byMail.explanation}</p>
        <form method="post" action="${hrefFrom(visit, paths.magicPage)}">
          ${hiddenField('email', proof.address)}${inForm(proof.onwards)}
          <button>${words.confirm.byMail.button}</button>
        </form>`
    case 'application':
      return html`<p>${words.confirm.elsewhere}</p>`
  }
}

/** @param fields what was asked for */
export const questionPage = (
  visit: Visit,
  path: string,
  fields: Readonly<Record<string, string>>,
  { title, words: told, button }: Question,
): Page => ({
  title,
  referrerPolicy: 'same-origin',
  body: html`${paragraphs(told)}
    ${formFrom(visit, path, { ...fields, sure: 'yes' }, html`<button class="danger">${button}</button>`)}
    <div class="cancel">${linkFrom(visit, path, backFrom(fields), words.cancel)}</div>`,
})

/** To what the page was about. */
const backFrom = ({ user, id }: Readonly<Record<string, string>>): Record<string, string | null> => ({
  user: user ?? null,
  id: id ?? null,
})

/** The form belongs to another session than the cookie, or to nobody. */
export const stalePage = (root: Visit['root'], path: string): Page => ({
  status: 403,
  title: words.stale.title,
  sign: 'failed',
  body: html`${paragraphs(words.stale.paragraphs)}${linkButton(hrefFrom({ root }, path), words.stale.button)}`,
})
