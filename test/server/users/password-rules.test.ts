import { expect } from 'chai'
import { checkPassword, normalizePassword } from '../../../src/server/users/password-rules.ts'

const check = (password: string, email = 'anna.smith@example.com') => checkPassword(password, { email })

describe('password rules', () => {
  describe('length', () => {
    it('is at least 8', () => {
      expect(check('kq7wmzp')).to.deep.equal(['too_short'])
      expect(check('kq7wmzpt')).to.deep.equal([])
      expect(check('')).to.deep.equal(['too_short'])
    })

    it('is at most 128', () => {
      expect(check('long pass phrase'.repeat(8))).to.deep.equal([])
      expect(check('long pass phrase'.repeat(8) + '!')).to.deep.equal(['too_long'])
    })

    it('counts code points, not bytes and not UTF-16 units', () => {
      expect(check('🐎🔋📎🐎🔋📎🐎')).to.deep.equal(['too_short'])
      expect(check('🐎🔋📎🐎🔋📎🐎🦊')).to.deep.equal([])
      expect(check('🐎🔋📎🦊'.repeat(32))).to.deep.equal([])
    })

    it('counts a composed and a decomposed letter alike', () => {
      expect(check('éèêëàâù'.normalize('NFD'))).to.deep.equal(['too_short'])
      expect(check('éèêëàâùç'.repeat(16).normalize('NFD'))).to.deep.equal([])
      expect(check('ᾂ'.repeat(128).normalize('NFD'))).to.deep.equal([])
    })

    it('refuses a megabyte without looking at it', () => {
      expect(check('\ud800'.repeat(1_000_000))).to.deep.equal(['too_long'])
    })
  })

  it('asks for no kinds of characters: lower case alone, spaces, any script', () => {
    for (const good of [
      'horsebatterystaple',
      '        horse',
      'лошадь батарея',
      '正しい馬のバッテリー',
      'p\taper\nclip',
    ]) {
      expect(check(good), good).to.deep.equal([])
    }
  })

  describe('characters', () => {
    it('refuses NUL', () => {
      expect(check('correct\0horse')).to.deep.equal(['invalid_characters'])
    })

    it('refuses lone surrogates', () => {
      expect(check('correct \ud800 horse')).to.deep.equal(['invalid_characters'])
      expect(check('correct horse \udc00')).to.deep.equal(['invalid_characters'])
    })
  })

  describe('common passwords', () => {
    it('are refused, in any case', () => {
      for (const common of [
        'password',
        'PassWord',
        '12345678',
        '1234567890',
        'qwertyuiop',
        'iloveyou',
        'Trustno1',
        'p@ssw0rd',
      ]) {
        expect(check(common), common).to.deep.equal(['too_common'])
      }
    })

    it('are refused with digits around them', () => {
      for (const common of ['password1234567', 'Password2026', '1password1', '99sunshine']) {
        expect(check(common), common).to.deep.equal(['too_common'])
      }
    })

    it('include the service name', () => {
      for (const common of ['hallpass', 'HallPass', 'hallpass1', 'Hallpass2026', '123hallpass']) {
        expect(check(common), common).to.deep.equal(['too_common'])
      }
    })

    it('include short repetitions and sequences', () => {
      for (const common of [
        'aaaaaaaa',
        'ABababab',
        '123123123',
        'abcdefghij',
        '87654321',
        '🐎🔋📎🦊🐎🔋📎🦊',
        '\n'.repeat(8),
        '0123456789',
      ]) {
        expect(check(common), common).to.deep.equal(['too_common'])
      }
    })

    it('are only those: what contains one, a long repetition and a long number may pass', () => {
      for (const good of [
        'my password is',
        'hallpass-for-me',
        'sunshine at noon',
        'x'.repeat(64),
        '194857302945',
        'abc8493021',
      ]) {
        expect(check(good), good).to.deep.equal([])
      }
    })
  })

  describe('the e-mail address', () => {
    it('is no password, in any spelling', () => {
      expect(check('anna.smith@example.com')).to.deep.equal(['same_as_email'])
      expect(check('Anna.Smith@Example.COM')).to.deep.equal(['same_as_email'])
      expect(check('jörg@bücher.example', 'jörg@xn--bcher-kva.example')).to.deep.equal(['same_as_email'])
    })

    it('lends its local part to no password', () => {
      expect(check('anna.smith')).to.deep.equal(['same_as_email'])
      expect(check('Anna.Smith')).to.deep.equal(['same_as_email'])
    })

    it('may be contained in one', () => {
      expect(check('anna.smith likes horses')).to.deep.equal([])
      expect(check('anna.smith@example.org')).to.deep.equal([])
    })

    it('may be absent', () => {
      expect(check('correct horse', '')).to.deep.equal([])
      expect(check('', '')).to.deep.equal(['too_short'])
    })
  })

  it('reports every fault', () => {
    expect(check('anna\0', 'anna@example.com')).to.deep.equal(['too_short', 'invalid_characters'])
    expect(check('password', 'password@example.com')).to.deep.equal(['too_common', 'same_as_email'])
    expect(check('anna', 'anna@example.com')).to.deep.equal(['too_short', 'same_as_email'])
  })

  describe('the form that is hashed', () => {
    it('is NFC and otherwise unchanged', () => {
      expect(normalizePassword('cafe\u0301')).to.equal('caf\u00e9')
      expect(normalizePassword('  ﬁne Ｗｉｄｅ\u00a0ß ')).to.equal('  ﬁne Ｗｉｄｅ\u00a0ß ')
    })

    it('does not exist for what cannot be a password', () => {
      expect(normalizePassword('x'.repeat(1025))).to.equal(null)
      expect(normalizePassword('\udc00')).to.equal(null)
    })
  })
})
