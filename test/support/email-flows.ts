/** Asking for mails with links, and using what is in them, as a client does. */
import { register, send, signIn, type Answer, type SignedIn } from './people.ts'
import { tokenFor, type Page } from './mail.ts'

export const RESOURCES = {
  confirm: '/v1/email-confirmations',
  magic: '/v1/magic-links',
  reset: '/v1/password-resets',
  'change-email': '/v1/email-changes',
  'revert-email': '/v1/email-reversions',
} as const satisfies Partial<Record<Page, string>>

export type Resource = keyof typeof RESOURCES

export const NEW_PASSWORD = 'quite another passphrase'

export const ask = (url: string, flow: Resource, body: object, token?: string): Promise<Answer> =>
  send(url + RESOURCES[flow], { body, ...(token === undefined ? {} : { token }) })

export const use = (url: string, flow: Resource, body: object, options: { token?: string } = {}): Promise<Answer> =>
  send(url + RESOURCES[flow], { method: 'PUT', body, ...options })

/** @param before how many mails of this kind the address got before */
export async function askedToken(
  url: string,
  flow: 'confirm' | 'magic' | 'reset',
  email: string,
  before = 0,
): Promise<string> {
  // Mails under way at once may arrive in any order, and the link that was made last is the one that works.
  if (before > 0) await tokenFor(email, flow, before - 1)
  const { status } = await ask(url, flow, { email })
  if (status !== 202) throw new Error(`asking for ${flow} was answered ${status}`)
  return tokenFor(email, flow, before)
}

/** Somebody new who has confirmed the address, signed in on a first device. */
export async function aConfirmedPerson(url: string): Promise<SignedIn> {
  const email = await register(url)
  const { status } = await use(url, 'confirm', { token: await tokenFor(email, 'confirm') })
  if (status !== 204) throw new Error(`confirming was answered ${status}`)
  return signIn(url, email)
}

/** A token for the new address of somebody who is signed in. */
export async function askedChange(url: string, person: SignedIn, email: string): Promise<string> {
  const { status } = await ask(url, 'change-email', { email }, person.accessToken)
  if (status !== 202) throw new Error(`asking for another address was answered ${status}`)
  return tokenFor(email, 'change-email')
}

/** Changes somebody's address, with the link from the mail. */
export async function changeAddress(url: string, person: SignedIn, email: string): Promise<void> {
  const token = await askedChange(url, person, email)
  const { status } = await use(url, 'change-email', { token })
  if (status !== 204) throw new Error(`changing the address was answered ${status}`)
}

export const signInByLink = (
  url: string,
  token: string,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<
  Answer<{ access_token: string; refresh_token: string; session: { id: string; amr: string[]; client_id: string } }>
> => send(`${url}/v1/sessions`, { body: { magic_link_token: token, ...body }, headers })

export const changePassword = (url: string, accessToken: string, current: string, password: string): Promise<Answer> =>
  send(`${url}/v1/users/me/password`, {
    method: 'PUT',
    token: accessToken,
    body: { current_password: current, password },
  })
