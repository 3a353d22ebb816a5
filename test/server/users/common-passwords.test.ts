import { expect } from 'chai'
import { isCommonPassword } from '../../../src/server/users/common-passwords.ts'

const isCommon = (password: string): boolean =>
  isCommonPassword(password, ['Hallpass', 'Acme Mail', 'auth.example.com:3000', '!'])

const CASES: Record<string, string[]> = {
  'those of the list, in any case': [
    'password',
    'PassWord',
    '12345678',
    '1234567890',
    'qwertyuiop',
    'iloveyou',
    'Trustno1',
    'p@ssw0rd',
  ],
  'those with digits around them': ['password1234567', 'Password2026', '1password1', '99sunshine'],
  'those several times over': ['passwordpassword', 'SunshineSunshineSunshine', 'passwordpassword2026'],
  'the names of the service': [
    'hallpass',
    'HallPass',
    'hallpass1',
    '123hallpass',
    'hallpass20261231',
    'hallpasshallpass',
  ],
  'those names, however they are divided': [
    'acme mail',
    'AcmeMail2026',
    'acme-mail-acme-mail-',
    'auth.example.com:3000',
  ],
  'short repetitions and sequences': [
    'aaaaaaaa',
    'aaaaaaaaaaaaaaa',
    'ABababab',
    '123123123',
    'abcdefghij',
    '87654321',
    '🐎🔋📎🦊🐎🔋📎🦊',
    '\n'.repeat(8),
    '0123456789',
  ],
}

describe('common passwords', () => {
  for (const [what, passwords] of Object.entries(CASES)) {
    it(`are ${what}`, () => {
      for (const password of passwords) expect(isCommon(password), password).to.equal(true)
    })
  }

  it('are only those: what contains one, a long repetition and a long number are not common', () => {
    for (const password of [
      'my password is',
      'hallpass-for-me',
      '!?&%!?&%$!?&%',
      'sunshine at noon',
      'x'.repeat(64),
      '194857302945',
      'abc8493021',
    ]) {
      expect(isCommon(password), password).to.equal(false)
    }
  })
})
