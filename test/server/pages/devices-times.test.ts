import { expect } from 'chai'
import { exactTime, timeAgo } from '../../../src/server/pages/devices-times.ts'

const NOW = new Date('2026-03-31T12:00:00Z')
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const ago = (seconds: number, language = 'en'): string =>
  timeAgo(new Date(NOW.getTime() - seconds * 1000), NOW, { language, justNow: 'just now' })

describe('How long ago something was', () => {
  for (const [seconds, words] of [
    [0, 'just now'],
    [59.9, 'just now'],
    [-1, 'just now'],
    [-3 * DAY, 'just now'],
    [60, '1 minute ago'],
    [2 * MINUTE - 1, '1 minute ago'],
    [59 * MINUTE, '59 minutes ago'],
    [HOUR, '1 hour ago'],
    [2 * HOUR, '2 hours ago'],
    [DAY - 1, '23 hours ago'],
    [DAY, '1 day ago'],
    [30 * DAY, '30 days ago'],
    [31 * DAY, '1 month ago'],
    [364 * DAY, '11 months ago'],
    [366 * DAY, '1 year ago'],
    [800 * DAY, '2 years ago'],
  ] as const) {
    it(`is "${words}" after ${seconds} seconds`, () => expect(ago(seconds)).to.equal(words))
  }

  it('is said in the language of the page', () => {
    expect(ago(2 * HOUR, 'de')).to.equal('vor 2 Stunden')
  })

  it('is known exactly as well, in the time of the whole world', () => {
    expect(exactTime(NOW, 'en').replaceAll('\u202f', ' ')).to.equal('March 31, 2026 at 12:00 PM UTC')
  })
})
