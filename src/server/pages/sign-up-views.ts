/** What `/sign-up` looks like. */
import { paths } from '../../protocol/paths.ts'
import type { Page } from './document.ts'
import { addressField, hrefTo, linkButton, paragraphs, passwordField } from './elements.ts'
import { html } from './html.ts'
import { inForm, inLink, type Onwards } from './onwards.ts'
import { PASSWORD_FORM } from './password-form.ts'
import { texts } from './texts.ts'

/** Shown at the one field or the other. */
export interface SignUpFaults {
  readonly status: number
  readonly ofAddress?: readonly string[]
  readonly ofPassword?: readonly string[]
}

interface SignUp {
  readonly onwards: Onwards
  /** As it was entered. */
  readonly email: string
}

export function signUpPage({ onwards, email, faults }: SignUp & { readonly faults?: SignUpFaults }): Page {
  const words = texts.signUp
  const toSignIn = hrefTo(paths.signInPage, inLink(onwards))
  return {
    status: faults?.status ?? 200,
    title: words.title,
    isFaulty: faults !== undefined,
    referrerPolicy: 'same-origin',
    script: PASSWORD_FORM,
    body: html`<form method="post" action="${hrefTo(paths.signUpPage)}" novalidate>
        ${inForm(onwards)}
        ${addressField({
          value: email,
          autocomplete: 'username',
          faults: faults?.ofAddress ?? [],
          isFirst: faults === undefined,
        })}
        ${passwordField({
          label: words.password,
          autocomplete: 'new-password',
          hint: texts.passwordHint,
          faults: faults?.ofPassword ?? [],
        })}
        <button>${words.button}</button>
      </form>
      <p class="instead">${words.hasAccount((link) => html`<a href="${toSignIn}">${link}</a>`)}</p>`,
  }
}

/** The same for new and taken addresses. @param options.maySignIn also before the address is confirmed */
export const signedUpPage = ({ onwards, email, maySignIn }: SignUp & { readonly maySignIn: boolean }): Page => ({
  status: 202,
  title: texts.signUp.done.title,
  sign: 'mail',
  referrerPolicy: 'same-origin',
  body: html`${paragraphs(texts.signUp.done.paragraphs(html`<bdi>${email}</bdi>`))}
  ${maySignIn && linkButton(hrefTo(paths.signInPage, inLink(onwards)), texts.signUp.done.signIn)}`,
})
