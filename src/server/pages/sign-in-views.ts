/** What `/sign-in` looks like. */
import { paths } from '../../protocol/paths.ts'
import type { Page } from './document.ts'
import { addressField, faultBox, hrefTo, paragraphs, passwordField } from './elements.ts'
import { html } from './html.ts'
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
  readonly refusal?: PassingRefusal
}

export function signInPage({ onwards, email, remember, signedIn, refusal }: SignInForm): Page {
  const words = texts.signIn
  return {
    status: refusal?.status ?? 200,
    title: words.title,
    isFaulty: refusal !== undefined,
    formTarget: formTargetOf(onwards.returnTo),
    referrerPolicy: 'same-origin',
    script: PASSWORD_FORM,
    body: html`${signedIn !== undefined && html`<p class="quiet">${words.again[signedIn]}</p>`}
      <form method="post" action="${hrefTo(paths.signInPage)}" novalidate>
        ${faultBox(refusal?.words ?? [])} ${inForm(onwards)}
        ${addressField({ value: email, autocomplete: 'username', isFirst: email === '' })}
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

export const noCookiesPage = (): Page => ({
  status: 400,
  title: texts.signIn.noCookies.title,
  sign: 'failed',
  referrerPolicy: 'same-origin',
  body: paragraphs(texts.signIn.noCookies.paragraphs),
})
