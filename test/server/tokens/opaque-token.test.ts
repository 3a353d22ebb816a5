import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { hashOpaqueToken, newOpaqueToken } from '../../../src/server/tokens/opaque-token.ts'

describe('an opaque token', () => {
  it('is its prefix and 256 random bits, and its hash is that of the bits', () => {
    for (const prefix of ['hpem_', 'hpak_'] as const) {
      const { token, hash } = newOpaqueToken(prefix)
      expect(token).to.match(new RegExp(`^${prefix}[A-Za-z0-9_-]{43}$`))
      const bits = Buffer.from(token.slice(prefix.length), 'base64url')
      expect(bits).to.have.lengthOf(32)
      expect(hash).to.deep.equal(createHash('sha256').update(bits).digest())
      expect(hashOpaqueToken(token, prefix)).to.deep.equal(hash)
    }
  })

  it('is never the same twice', () => {
    const tokens = Array.from({ length: 1_000 }, () => newOpaqueToken('hpak_').token)
    expect(new Set(tokens).size).to.equal(tokens.length)
  })

  it('of one kind is none of another', () => {
    expect(hashOpaqueToken(newOpaqueToken('hpem_').token, 'hpak_')).to.equal(null)
    expect(hashOpaqueToken(newOpaqueToken('hpak_').token, 'hpem_')).to.equal(null)
  })

  it('has one form only', () => {
    const { token } = newOpaqueToken('hpak_')
    const body = token.slice('hpak_'.length)
    // The last of 43 characters carries four bits: three others of the alphabet decode to the same bytes.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const twin = alphabet[alphabet.indexOf(body.at(-1) ?? '') + 1] ?? ''
    expect(Buffer.from(body.slice(0, -1) + twin, 'base64url')).to.deep.equal(Buffer.from(body, 'base64url'))
    for (const other of [
      token.slice(0, -1) + twin,
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      token.toUpperCase(),
      body,
      `hpak-${body}`,
      `hpak_${body.replace(/.$/, '+')}`,
      `hpak_${'é'.repeat(43)}`,
      'hpak_',
      '',
    ]) {
      expect(hashOpaqueToken(other, 'hpak_'), other).to.equal(null)
    }
  })
})
