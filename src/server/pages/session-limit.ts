/** In place of being signed in: a person has as many devices as the application allows, and perhaps chooses one to sign out. */
import { validate as isUuid } from 'uuid'
import { paths } from '../../protocol/paths.ts'
import type { FormParameters } from '../http/body.ts'
import type { Context } from '../http/context.ts'
import { SessionLimitReached } from '../sessions/client-limit.ts'
import type { Session } from '../sessions/session.ts'
import { timeAgo } from './devices-times.ts'
import type { Page } from './document.ts'
import { hiddenField, hrefTo, linkButton, paragraphs, passwordField } from './elements.ts'
import { html, type Html } from './html.ts'
import { PASSWORD_FORM } from './password-form.ts'
import { formTargetOf } from './return-to.ts'
import { texts } from './texts.ts'

const words = texts.sessionLimit

/** What was proven by, which the form proves by again: a password is asked for once more, and a link is still good. */
type Proof =
  | {
      readonly by: 'password'
      readonly email: string
      readonly remember: boolean
      readonly clientId: string | null
    }
  | { readonly by: 'magic_link'; readonly token: string }

interface LimitView {
  readonly limit: SessionLimitReached
  /** The path that takes the proof. */
  readonly action: string
  readonly returnTo: string | null
  readonly proof: Proof
}

/** @throws the error again where it is another one */
export function limitIn(ctx: Context, error: unknown): SessionLimitReached {
  if (!(error instanceof SessionLimitReached)) throw error
  ctx.state.failure = error
  return error
}

/** What the person chose in the form of `limitPage`. */
export function chosenSession(form: FormParameters): string | null {
  const id = form.get('end_session_id') ?? ''
  return isUuid(id) ? id : null
}

export const limitPage = (view: LimitView): Page =>
  view.limit.sessions === null ? refusedPage(view) : choicePage(view, view.limit.sessions)

function refusedPage({ proof, returnTo }: LimitView): Page {
  const again = proof.by === 'password' && { return_to: returnTo, client_id: proof.clientId }
  return {
    status: 409,
    title: words.title,
    sign: 'failed',
    body: html`${paragraphs([...words.refuse, ...(again ? [] : [words.linkIsGood])])}
    ${again && linkButton(hrefTo(paths.signInPage, again), words.back)}`,
  }
}

function choicePage({ limit, action, returnTo, proof }: LimitView, sessions: readonly Session[]): Page {
  return {
    status: 409,
    title: words.title,
    formTarget: formTargetOf(returnTo),
    ...(proof.by === 'password' && { referrerPolicy: 'same-origin', script: PASSWORD_FORM }),
    body: html`<form method="post" action="${hrefTo(action)}">
      ${hiddenField('return_to', returnTo)}
      <fieldset class="choices">
        <legend>${words.ask}</legend>
        ${sessions.map((session) => choice(session, limit.now))}
      </fieldset>
      ${proof.by === 'password' ? passwordAgain(proof) : hiddenField('token', proof.token)}
      <button>${words.button}</button>
      <p class="quiet">${words.ifNone}</p>
    </form>`,
  }
}

function choice({ id, device, lastUsedAt }: Session, now: Date): Html {
  const time = timeAgo(lastUsedAt, now, { language: texts.language, justNow: texts.devices.justNow })
  return html`<label class="check">
    <input type="radio" name="end_session_id" value="${id}" required />
    <span><bdi>${device.name ?? device.label}</bdi> <span class="quiet">${words.lastUsed(time)}</span></span>
  </label>`
}

/** The hidden field tells a password manager whose password is asked for. */
const passwordAgain = ({ email, remember, clientId }: Proof & { by: 'password' }): Html =>
  html`<input name="email" type="text" value="${email}" autocomplete="username" readonly hidden />
    ${hiddenField('remember', remember ? 'on' : null)} ${hiddenField('client_id', clientId)}
    ${passwordField({ label: words.password, autocomplete: 'current-password' })}`
