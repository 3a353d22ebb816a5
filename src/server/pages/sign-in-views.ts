/** What `/sign-in` looks like. */
import { paths } from '../../protocol/paths.ts'
import { describeEnd } from '../sessions/refusals.ts'
import type { EndingDevice, SessionEnd } from '../sessions/session-end.ts'
import type { Page } from './document.ts'
import { addressField, faultBox, hrefTo, paragraphs, passwordField } from './elements.ts'
import { html, type Html } from './html.ts'
import type { PassingRefusal } from './in-words.ts'
import { inForm, inLink, type Onwards } from './onwards.ts'
import { PASSWORD_FORM } from './password-form.ts'
import { formTargetOf } from './return-to.ts'
import { texts } from './texts.ts'

export interface SignInForm {
  readonly onwards: Onwards
  /** As it was entered, or that of whoever is signed in. */
  readonly email: string
  readonly remember: boolean
  /** Whether somebody is already: to this application or another one. */
  readonly signedIn?: 'here' | 'elsewhere'
  /** How the session ended that this browser had before. */
  readonly ended?: SessionEnd | null
  readonly refusal?: PassingRefusal
}

export function signInPage({ onwards, email, remember, signedIn, ended = null, refusal }: SignInForm): Page {
  const words = texts.signIn
  return {
    status: refusal?.status ?? 200,
    title: words.title,
    isFaulty: refusal !== undefined,
    formTarget: formTargetOf(onwards.returnTo),
    referrerPolicy: 'same-origin',
    script: PASSWORD_FORM,
    body: html`${ended !== null && endedNotice(ended)}
      ${signedIn !== undefined && html`<p class="quiet">${words.again[signedIn]}</p>`}
      <form method="post" action="${hrefTo(paths.signInPage)}" novalidate>
        ${faultBox(refusal?.words ?? [])} ${inForm(onwards)}
        ${addressField({
          value: email,
          autocomplete: 'username',
          isFirst: email === '',
          describedBy: ended === null ? undefined : ENDED,
        })}
        ${passwordField({
          label: words.password,
          autocomplete: 'current-password',
          isAtFault: refusal !== undefined && email !== '',
          isFirst: email !== '',
        })}
        <div class="sides">
          <label class="check"
            ><input type="checkbox" name="remember" value="on" ${remember && html`checked`} />${words.keep}</label
          >
          <a href="${hrefTo(paths.resetPage)}">${words.forgotten}</a>
        </div>
        <button>${words.button}</button>
      </form>
      <a class="button other" href="${hrefTo(paths.magicPage, inLink(onwards))}">${words.byMail}</a>
      <p class="instead">
        ${words.isNew((link) => html`<a href="${hrefTo(paths.signUpPage, inLink(onwards))}">${link}</a>`)}
      </p>`,
  }
}

/** The cursor waits in the form, and this is read out with its first field. */
const ENDED = 'ended'

/** Above the form, since it is why somebody is here at all. */
const endedNotice = (end: SessionEnd): Html =>
  html`<div class="ended" id="${ENDED}" role="status">
    <strong>${texts.signIn.ended}</strong>
    <p>${describeEnd(end, isolatedName)}</p>
  </div>`

/** Whichever way it is written, the words around it stay where they are (U+2068, U+2069). */
const isolatedName = ({ name, label }: EndingDevice): string => `\u2068${name ?? label}\u2069`

export const noCookiesPage = (): Page => ({
  status: 400,
  title: texts.signIn.noCookies.title,
  sign: 'failed',
  referrerPolicy: 'same-origin',
  body: paragraphs(texts.signIn.noCookies.paragraphs),
})
