import { expect } from 'chai'
import { createPasswordStrength } from '../../../src/server/users/password-strength.ts'

const EMAIL = 'anna.smith@example.com'

describe('password strength', () => {
  const strength = createPasswordStrength({ names: ['Hallpass'] })
  const isStrong = async (password: string, email = EMAIL) => (await strength.estimate(password, email)).isStrong

  it('is high where there is no pattern, and for words that are rare enough', async () => {
    for (const strong of ['kq7wmzptxvs', 'x7#Lq!9vBz2k', 'marmot-Juno-42', '🐎🔋📎🦊🌵🎈🍋🌍']) {
      expect(await isStrong(strong), strong).to.equal(true)
    }
  })

  it('is not high for words, names, dates, keyboards, repetitions, and what is written with signs for letters', async () => {
    for (const weak of [
      'correct horse',
      'christopher!',
      '13.04.1987 ny',
      'qwertzuiop13',
      'abcabcabcabcab',
      'P@ssw0rd!2024',
      '5un5h1n3-m00n',
      'drowssap-2024',
    ]) {
      expect(await isStrong(weak), weak).to.equal(false)
    }
  })

  it('counts the parts of the address and the name of the service as known', async () => {
    expect(await isStrong('zorblatt-quix9')).to.equal(true)
    for (const email of ['zorblatt-quix9@example.com', 'quix+zorblatt@example.com', 'me@zorblatt-quix.example']) {
      expect(await isStrong('zorblatt-quix9', email), email).to.equal(false)
    }
    const elsewhere = createPasswordStrength({ names: ['Zorblatt Quix'] })
    expect((await elsewhere.estimate('zorblatt quix', EMAIL)).isStrong).to.equal(false)
  })

  it('gives a plain reason where there is one', async () => {
    expect((await strength.estimate('abcabcabcabcab', EMAIL)).warning).to.equal(
      'Repeated character patterns like "abcabcabc" are easy to guess.',
    )
    expect((await strength.estimate('correct horse', EMAIL)).warning).to.equal(null)
  })

  it('looks at no more than the start of what is too long for it', async () => {
    const start = 'horse '.repeat(5).slice(0, 28)
    const whole = await strength.estimate(`${start}${'kq7wmzptxvs'.repeat(10_000)}`, EMAIL)
    expect(whole).to.deep.equal(await strength.estimate(start, EMAIL))
  })
})
