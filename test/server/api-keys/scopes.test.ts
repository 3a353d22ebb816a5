import { expect } from 'chai'
import { hasScope, hasServiceScope, isWithinScope, normalizeScope } from '../../../src/server/api-keys/scopes.ts'

describe('a scope', () => {
  it('has every token once, with one space between', () => {
    expect(normalizeScope('')).to.equal('')
    expect(normalizeScope('orders:read')).to.equal('orders:read')
    expect(normalizeScope('  b  a b ')).to.equal('b a')
    expect(normalizeScope('https://api.example/orders.read!#$[]~')).to.equal('https://api.example/orders.read!#$[]~')
  })

  it('has no other characters than those of RFC 6749 section 3.3', () => {
    for (const bad of ['a"b', 'a\\b', 'a\tb', 'a\nb', 'a\u007f', 'ä', 'a\u00a0b', '😀']) {
      expect(normalizeScope(bad), bad).to.equal(null)
    }
  })

  it('is not too long', () => {
    expect(normalizeScope('x'.repeat(100))).to.have.lengthOf(100)
    expect(normalizeScope('x'.repeat(101))).to.equal(null)
    const many = Array.from({ length: 250 }, (_, index) => 100 + index).join(' ')
    expect(many).to.have.lengthOf(999)
    expect(normalizeScope(many)).to.equal(many)
    expect(normalizeScope(`${many}x `)).to.equal(null)
  })

  it('holds a token or not: parts and beginnings are something else', () => {
    expect(hasScope('orders:read admin', 'admin')).to.equal(true)
    for (const wanted of ['orders', 'read', 'orders:', 'ADMIN', 'orders:read admin']) {
      expect(hasScope('orders:read admin', wanted), wanted).to.equal(false)
    }
    expect(hasScope('', 'admin')).to.equal(false)
  })

  it('is within another when that has every token of it, in whatever order', () => {
    expect(isWithinScope('b a', 'a b c')).to.equal(true)
    expect(isWithinScope('', '')).to.equal(true)
    expect(isWithinScope('', 'a')).to.equal(true)
    expect(isWithinScope('a', '')).to.equal(false)
    expect(isWithinScope('a d', 'a b c')).to.equal(false)
  })

  it('opens this service with each of five tokens, and with nothing like them', () => {
    for (const token of ['revocations:read', 'introspect', 'admin', 'sessions:create', 'metrics:read']) {
      expect(hasServiceScope(`orders:read ${token}`), token).to.equal(true)
    }
    for (const token of ['', 'orders:read', 'Admin', 'admin:read', 'sessions', 'revocations']) {
      expect(hasServiceScope(token), token).to.equal(false)
    }
  })
})
