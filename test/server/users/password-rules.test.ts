import { expect } from 'chai'
import { pino } from 'pino'
import { createPasswordRules, normalizePassword } from '../../../src/server/users/password-rules.ts'
import { startRangeApi, type RangeApi } from '../../support/range-api.ts'

const log = pino({ level: 'silent' })
const rules = createPasswordRules({ serviceName: 'Quixblatt Accounts', breachedPasswordsUrl: null, log })

const faultsOf = (password: string, email = 'anna.smith@example.com') => rules.check(password, { email })
const check = async (password: string, email?: string): Promise<string[]> =>
  (await faultsOf(password, email)).map(({ code }) => code)

describe('password rules', () => {
  describe('length', () => {
    it('is at least 8, however hard to guess', async () => {
      expect(await check('K7#w€zp')).to.deep.equal(['too_short'])
      expect(await check('')).to.deep.equal(['too_short'])
    })

    it('is at most 128', async () => {
      expect(await check('long pass phrase'.repeat(8))).to.deep.equal([])
      expect(await check('long pass phrase'.repeat(8) + '!')).to.deep.equal(['too_long'])
    })

    it('is enough from 15 on: lower case alone, spaces, any script', async () => {
      for (const good of [
        'horsebatterysta',
        'now is the time',
        '          horse',
        'лошадь батареяя',
        '正しい馬のバッテリーの主食です',
        'p\taper\nclip...',
        'x'.repeat(64),
        '馬'.repeat(64),
        '🐎🔋📎🦊'.repeat(32),
      ]) {
        expect(await check(good), good).to.deep.equal([])
      }
    })

    it('counts code points, not bytes and not UTF-16 units', async () => {
      expect(await check('🐎🔋📎🦊🌵🎈🍋')).to.deep.equal(['too_short'])
      expect(await check('sunshinemoon🐎🐎')).to.deep.equal(['too_guessable'])
      expect(await check('sunshinemoons🐎🐎')).to.deep.equal([])
    })

    it('counts a composed and a decomposed letter alike', async () => {
      expect(await check('éèêëàâù'.normalize('NFD'))).to.deep.equal(['too_short'])
      expect(await check('sunshine cafe\u0301s')).to.deep.equal(['too_guessable'])
      expect(await check('éèêëàâùç'.repeat(16).normalize('NFD'))).to.deep.equal([])
      expect(await check('ᾂ'.repeat(128).normalize('NFD'))).to.deep.equal([])
    })

    it('refuses a megabyte without looking at it', async () => {
      expect(await check('\ud800'.repeat(1_000_000))).to.deep.equal(['too_long'])
    })
  })

  describe('with 8 to 14 characters', () => {
    it('only what is very hard to guess may be chosen', async () => {
      for (const good of ['kq7wmzptxvs', 'K7#w€zptQ?4', 'kq7 wmz ptx vs', '🐎🔋📎🦊🌵🎈🍋🌍']) {
        expect(await check(good), good).to.deep.equal([])
      }
      for (const bad of [
        'kq7wmzpt',
        'correct horse',
        'vex hobo',
        'sunshine moon',
        'qwertzuiop13',
        'P@ssw0rd!2024',
        'K7#w€zptQ?',
      ]) {
        expect(await check(bad), bad).to.deep.equal(['too_guessable'])
      }
    })

    it('is not helped by the address and the name of the service', async () => {
      expect(await check('zorblatt-quix9')).to.deep.equal([])
      expect(await check('zorblatt-quix9', 'zorblatt.quix@example.com')).to.deep.equal(['too_guessable'])
      expect(await check('hallpass-is-47')).to.deep.equal(['too_guessable'])
      expect(await check('quixblatt-4711')).to.deep.equal(['too_guessable'])
    })

    it('a person is told what to do, and why where there is a plain reason', async () => {
      const advice = 'Use 15 characters or more, or something that is harder to guess.'
      expect(await faultsOf('kq7wmzpt')).to.deep.equal([{ code: 'too_guessable', message: advice }])
      expect(await faultsOf('sunshine moon')).to.deep.equal([
        { code: 'too_guessable', message: `This is similar to a commonly used password. ${advice}` },
      ])
      expect(await faultsOf('smithsmith-1', 'smithsmith@example.com')).to.deep.equal([
        {
          code: 'too_guessable',
          message: `Your address and the name of this service are easy to guess. ${advice}`,
        },
      ])
    })
  })

  describe('characters', () => {
    it('refuses NUL', async () => {
      expect(await check('correct\0horse')).to.deep.equal(['invalid_characters'])
    })

    it('refuses lone surrogates', async () => {
      expect(await check('correct \ud800 horse')).to.deep.equal(['invalid_characters'])
      expect(await check('correct horse \udc00')).to.deep.equal(['invalid_characters'])
    })
  })

  describe('the e-mail address', () => {
    it('is no password, in any spelling', async () => {
      expect(await check('anna.smith@example.com')).to.deep.equal(['same_as_email'])
      expect(await check('Anna.Smith@Example.COM')).to.deep.equal(['same_as_email'])
      expect(await check('jörg@bücher.example', 'jörg@xn--bcher-kva.example')).to.deep.equal(['same_as_email'])
    })

    it('lends its local part to no password', async () => {
      expect(await check('anna.smith')).to.deep.equal(['same_as_email'])
      expect(await check('Anna.Catherine.Smith', 'anna.catherine.smith@example.com')).to.deep.equal(['same_as_email'])
    })

    it('may be contained in a long one', async () => {
      expect(await check('anna.smith likes horses')).to.deep.equal([])
      expect(await check('anna.smith@example.org')).to.deep.equal([])
    })

    it('may be absent', async () => {
      expect(await check('correct horse battery', '')).to.deep.equal([])
      expect(await check('kq7wmzptxvs', '')).to.deep.equal([])
      expect(await check('', '')).to.deep.equal(['too_short'])
    })
  })

  it('refuse what is common at any length', async () => {
    expect(await check('password')).to.deep.equal(['too_common'])
    expect(await check('password1234567')).to.deep.equal(['too_common'])
    expect(await check('HallPass20260101')).to.deep.equal(['too_common'])
    expect(await check('quixblatt-accounts-1')).to.deep.equal(['too_common'])
  })

  it('report every fault that is found cheaply', async () => {
    expect(await check('anna\0', 'anna@example.com')).to.deep.equal(['too_short', 'invalid_characters'])
    expect(await check('password', 'password@example.com')).to.deep.equal(['too_common', 'same_as_email'])
    expect(await check('anna', 'anna@example.com')).to.deep.equal(['too_short', 'same_as_email'])
  })

  it('say it in sentences that repeat nothing of the password', async () => {
    for (const password of ['zebra', 'sunshine1', 'sunshine moon', 'zebra\0zebrazebra', 'z'.repeat(129)]) {
      for (const { message } of await faultsOf(password)) {
        expect(message).to.match(/^[A-Z].*\.$/)
        expect(message).to.not.include(password.slice(0, 5))
      }
    }
  })

  describe('where leaked passwords are asked for', () => {
    let api: RangeApi
    before(async () => (api = await startRangeApi(['correct horse battery staple', 'kq7wmzptxvs', 'password'])))
    after(() => api.close())

    const askedFor = async (password: string) => {
      const asking = createPasswordRules({ serviceName: 'Hallpass', breachedPasswordsUrl: api.url, log })
      const before = api.requests.length
      const faults = await asking.check(password, { email: 'anna.smith@example.com' })
      return { codes: faults.map(({ code }) => code), requests: api.requests.length - before }
    }

    it('refuse one at any length', async () => {
      expect(await askedFor('correct horse battery staple')).to.deep.equal({ codes: ['leaked'], requests: 1 })
      expect(await askedFor('kq7wmzptxvs')).to.deep.equal({ codes: ['leaked'], requests: 1 })
      expect(await askedFor('another horse battery staple')).to.deep.equal({ codes: [], requests: 1 })
    })

    it('ask only when nothing else is wrong', async () => {
      for (const bad of ['short', 'password', 'sunshine moon', 'anna.smith@example.com', 'x'.repeat(129)]) {
        expect((await askedFor(bad)).requests, bad).to.equal(0)
      }
    })
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
