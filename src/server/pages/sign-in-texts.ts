/** The words of `/sign-in` and `/sign-up`, as a part of texts.ts. */
import { html, type Html } from './html.ts'

export const signIn = {
  title: 'Sign in',
  again: {
    here: 'You are signed in. Sign in once more to show that it is still you, or as somebody else.',
    elsewhere: 'You are signed in, but to another application. Sign in once more to go on to this one.',
  },
  /** Before the words of sessions/refusals.ts: why, when, and from which device. */
  ended: 'You were signed out',
  password: 'Password',
  keep: 'Keep me signed in',
  forgotten: 'Forgot your password?',
  button: 'Sign in',
  byMail: 'Sign in by mail',
  isNew: (link: (words: string) => Html): Html => html`New here? ${link('Create an account')}`,
  nothing: 'Enter your address and your password.',
  /** One answer to whatever is wrong, or anybody could find out who has an account. */
  wrong: {
    allow: 'The address or the password is wrong, or this account cannot sign in.',
    refuse:
      'The address or the password is wrong, or the address is not confirmed yet. If it is not, look into your mailbox.',
  },
  /** Over plain http on a network, where everybody could read the cookie. */
  noCookies: {
    title: 'This needs a secure connection',
    paragraphs: [
      'This page came over plain http, so others on the network could read along. Nobody can sign in with a browser here.',
      'Ask those who run this service for its https address.',
    ],
  },
}

/** As many devices are signed in as the application allows. */
export const sessionLimit = {
  title: 'Too many devices',
  refuse: [
    'You are signed in on as many devices as this application allows.',
    'Sign out on one of them first. Then come back here and sign in again.',
  ],
  /** Where the proof is a link from a mail. */
  linkIsGood: 'The link from your mail is still good for a few minutes.',
  back: 'Sign in again',
  ask: 'You are signed in on as many devices as this application allows. Which one shall make room for this one?',
  lastUsed: (time: string): string => `Last used ${time}`,
  password: 'Password, once more',
  button: 'Sign it out and sign in here',
  ifNone: 'You do not want to sign out any of them? Close this page, and nothing happens.',
}

export const signUp = {
  title: 'Create an account',
  password: 'Password',
  button: 'Create account',
  hasAccount: (link: (words: string) => Html): Html => html`Have an account already? ${link('Sign in')}`,
  done: {
    title: 'Check your mailbox',
    paragraphs: (address: Html): readonly (string | Html)[] => [
      html`A mail to ${address} is on its way. Open its link to go on.`,
      'Nothing there after a few minutes? Look into the spam folder too.',
    ],
    signIn: 'Sign in',
  },
}
