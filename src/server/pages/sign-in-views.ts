/** What `/sign-in` looks like. */
import { paths } from '../../protocol/paths.ts'
import type { Page } from './document.ts'
import { addressField, faultBox, hiddenField, hrefTo, paragraphs, passwordField } from './elements.ts'
import { html } from './html.ts'
import type { PassingRefusal } from './in-words.ts'
import { PASSWORD_FORM } from './password-form.ts'
import { formTargetOf } from './return-to.ts'
import { texts } from './texts.ts'

export interface SignInForm {
  readonly returnTo: string | null
  /** As it was entered, or that of whoever is signed in. */
  readonly email: string
  readonly remember: boolean
  readonly isSignedIn?: boolean
  readonly refusal?: PassingRefusal
}

export function signInPage({ returnTo, email, remember, isSignedIn = false, refusal }: SignInForm): Page {
  const words = texts.signIn
  const onwards = { return_to: returnTo }
  return {
    status: refusal?.status ?? 200,
    title: words.title,
    isFaulty: refusal !== undefined,
    formTarget: formTargetOf(returnTo),
    referrerPolicy: 'same-origin',
    script: PASSWORD_FORM,
    body: html`${isSignedIn && html`<p class="quiet">${words.again}</p>`}
      <form method="post" action="${hrefTo(paths.signInPage)}" novalidate>
        ${faultBox(refusal?.words ?? [])} ${hiddenField('return_to', returnTo)}
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
      <a class="button other" href="${hrefTo(paths.magicPage, onwards)}">${words.byMail}</a>
      <p class="instead">
        ${words.isNew((link) => html`<a href="${hrefTo(paths.signUpPage, onwards)}">${link}</a>`)}
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
