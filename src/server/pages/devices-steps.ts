/** What "Your devices" shows in place of the list: a question first, or why something was not done. */
import { paths } from '../../protocol/paths.ts'
import type { Session } from '../sessions/session.ts'
import { devicesHref, shownAddress, shownName } from './devices-parts.ts'
import type { Page } from './document.ts'
import { hiddenField, hrefTo, linkButton, paragraphs, passwordField } from './elements.ts'
import { html, type Html } from './html.ts'
import { inForm } from './onwards.ts'
import { PASSWORD_FORM } from './password-form.ts'
import type { Proof } from './proving.ts'
import { texts } from './texts.ts'

const words = texts.devices

/** What waits for the person to confirm that it is them: about a device, or all others. */
export type Wish =
  | { readonly action: 'sign_out' | 'undo'; readonly device: Session }
  | { readonly action: 'sign_out_others'; readonly device: null }

interface Question {
  readonly wish: Wish
  readonly proof: Proof
  readonly formToken: string
  /** As in the query of the page. */
  readonly returnTo: string | null
  readonly status: number
  /** What was wrong with the last answer. */
  readonly words: readonly string[]
}

export function confirmPage(question: Question): Page {
  const { proof, returnTo, status, words: faults } = question
  return {
    status,
    title: words.confirm.title,
    isFaulty: faults.length > 0,
    referrerPolicy: 'same-origin',
    ...(proof.by === 'password' && { script: PASSWORD_FORM }),
    body: html`<p>${words.confirm.why(shownAddress(proof.address))}</p>
      ${proof.by === 'password' && passwordStep(question, proof.address)} ${proof.by === 'mail' && mailStep(proof)}
      ${proof.by === 'application' && html`<p>${words.confirm.elsewhere}</p>`}
      <p class="cancel"><a href="${devicesHref(returnTo)}">${words.confirm.cancel}</a></p>`,
  }
}

/** The hidden field tells a password manager whose password is asked for. */
function passwordStep({ wish, formToken, returnTo, words: faults }: Question, address: string | null): Html {
  const { confirm } = words
  const { explanation, button } = wordsOf(wish)
  return html`<p>${explanation}</p>
    <form method="post" action="${hrefTo(paths.devicesPage)}" novalidate>
      ${hiddenField('form_token', formToken)}${hiddenField('action', wish.action)}
      ${hiddenField('id', wish.device?.id ?? null)}${hiddenField('confirm', 'password')}
      ${hiddenField('return_to', returnTo)}
      <input name="username" type="text" value="${address}" autocomplete="username" readonly hidden />
      ${passwordField({
        label: confirm.password,
        autocomplete: 'current-password',
        isFirst: true,
        faults,
      })}
      <button>${button}</button>
    </form>`
}

function wordsOf({ action, device }: Wish): { explanation: Html | string; button: Html | string } {
  const { confirm } = words
  if (device === null) return { explanation: confirm.others, button: confirm.buttonOthers }
  const name = shownName(device)
  return action === 'undo'
    ? { explanation: confirm.undo(name), button: confirm.buttonUndo(name) }
    : { explanation: confirm.one(name), button: confirm.buttonOne(name) }
}

const mailStep = ({ address, onwards }: Proof & { by: 'mail' }): Html =>
  html`<p>${words.confirm.byMail.explanation}</p>
    <form method="post" action="${hrefTo(paths.magicPage)}">
      ${hiddenField('email', address)}${inForm(onwards)}
      <button>${words.confirm.byMail.button}</button>
    </form>`

/** The form belongs to another session than the cookie, or to nobody. */
export const stalePage = (returnTo: string | null): Page => refusal(403, words.stale, returnTo)

/** Not there, or somebody else's: one answer. */
export const noDevicePage = (returnTo: string | null): Page => refusal(404, words.notFound, returnTo)

/** What was signed out stays so, and why. */
export const cannotUndoPage = (reason: string, returnTo: string | null): Page => {
  const { title, reasons, otherwise } = words.undo.refused
  return refusal(409, { title, paragraphs: [reasons[reason] ?? otherwise] }, returnTo)
}

const refusal = (
  status: number,
  told: { title: string; paragraphs: readonly string[] },
  returnTo: string | null,
): Page => ({
  status,
  title: told.title,
  sign: 'failed',
  body: html`${paragraphs(told.paragraphs)}${linkButton(devicesHref(returnTo), words.back)}`,
})

export const signedOutPage = (signInHref: string): Page => ({
  title: words.signedOut.title,
  sign: 'done',
  body: html`${paragraphs(words.signedOut.paragraphs)}${linkButton(signInHref, words.ended.signIn)}`,
})
