/** Everything that a story knew and nobody else should, in every spelling in which it could turn up. */
import { createHash } from 'node:crypto'
import { expect } from 'chai'

export interface RememberedSecrets {
  /** Any text. @returns it, as the others do */
  remember(what: string, secret: string): string
  /** With the hashes by which others could look for it. */
  password(password: string): string
  /** A mail's token or an API key. */
  opaqueToken(token: string): string
  /** What an answer of the token endpoint, a sign-in or a reauthentication holds. */
  tokensOf<Body extends Tokens>(body: Body): Body
  refreshToken(token: string): string
  /** Fails, with the name of the secret and not the secret itself, where one of them is in `text`. */
  expectNoneIn(text: string): void
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

export function createRememberedSecrets(): RememberedSecrets {
  const secrets = new Map<string, string>()

  function remember(what: string, secret: string): string {
    expect(secret, `${what} is there to be remembered`).to.have.length.above(7)
    secrets.set(secret, what)
    return secret
  }

  function rememberBytes(what: string, bytes: Buffer): void {
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      remember(`${what} in ${encoding}`, bytes.toString(encoding).replace(/=+$/, ''))
    }
  }

  /** The random part of a token, and what is kept of it or could be. */
  function rememberToken(token: string, secret: Buffer): string {
    const what = `a token ${token.slice(0, 'hprt_'.length)}`
    expect(secret, `the secret of ${what}`).to.have.length(32)
    remember(what, token.slice('hprt_'.length))
    rememberBytes(`the secret of ${what}`, secret)
    for (const hashed of [secret, token]) rememberBytes(`the hash of ${what}`, hashOf(hashed, 'sha256'))
    return token
  }

  const bytesOf = (token: string): Buffer => Buffer.from(token.slice('hprt_'.length), 'base64url')

  function refreshToken(token: string): string {
    return rememberToken(token, bytesOf(token).subarray(38, 70))
  }

  return {
    remember,
    refreshToken,
    password(password) {
      for (const name of ['sha1', 'sha256']) rememberBytes(`the ${name} of a password`, hashOf(password, name))
      return remember('a password', password)
    },
    opaqueToken: (token) => rememberToken(token, bytesOf(token)),
    tokensOf(body) {
      remember('an access token', body.access_token)
      if (body.refresh_token !== undefined) refreshToken(body.refresh_token)
      return body
    },
    expectNoneIn(text) {
      const lowered = text.toLowerCase()
      for (const [secret, what] of secrets) {
        for (const spelling of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
          expect(lowered.includes(spelling.toLowerCase()), what).to.equal(false)
        }
      }
      expect(/\$argon2id\$/.test(text), 'a password hash').to.equal(false)
      expect(/hp(em|ak|rt)_|eyJ[\w-]{10}/.test(text), 'a token that nobody remembered').to.equal(false)
    },
  }
}

const hashOf = (secret: string | Buffer, algorithm: string): Buffer => createHash(algorithm).update(secret).digest()
