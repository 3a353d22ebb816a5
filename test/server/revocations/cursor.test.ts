import { expect } from 'chai'
import {
  decodeCursor,
  encodeCursor,
  hasSeen,
  NOTHING_SEEN,
  parseSnapshot,
} from '../../../src/server/revocations/cursor.ts'

const AT = Date.parse('2026-11-24T19:13:18.033Z')

describe('a cursor of the feed', () => {
  it('comes back as it went out', () => {
    for (const snapshot of [
      NOTHING_SEEN,
      '761:761:',
      '90:120:90,95,119',
      '281474976710656:281474976710660:281474976710657',
    ]) {
      expect(decodeCursor(encodeCursor(snapshot, AT))).to.deep.equal({ at: AT, snapshot: parseSnapshot(snapshot) })
    }
  })

  it('can stand in a URL and in a header as it is', () => {
    expect(encodeCursor('90:120:90,95,119', AT)).to.match(/^[\w-]+$/)
  })

  it('is refused where it is none of ours', () => {
    const encode = (text: string): string => Buffer.from(text).toString('base64url')
    for (const garbage of [
      '',
      ' ',
      'garbage',
      '%00%ff',
      'A'.repeat(10_000),
      encode(''),
      encode('::'),
      encode(':::'),
      encode(`${AT}`),
      encode(`${AT}:`),
      encode(`${AT}:761`),
      encode(`${AT}:761:761`),
      encode(`${AT}:761:761:,`),
      encode(`${AT}:761:761:762,`),
      encode(`${AT}:761:761:762,,763`),
      encode(`${AT}:761:761: 762`),
      encode(`${AT}:761:761:\n`),
      encode(`${AT}:761:761::`),
      encode(`${AT}:-1:761:`),
      encode(`${AT}:1e3:761:`),
      encode(`${AT}:0x1:761:`),
      encode(`${AT}.5:761:761:`),
      encode(`-${AT}:761:761:`),
      encode(`${AT}:761:99999999999999999999:`),
      encode(` ${AT}:761:761:`),
      encode(`${AT}:761:761:'; drop table revocations`),
      encode(`${AT}:７６１:761:`),
      encode(`{"at":${AT},"snapshot":"761:761:"}`),
      Buffer.from(`${AT}:761:761:`).toString('hex'),
    ]) {
      expect(decodeCursor(garbage), garbage.slice(0, 60)).to.equal(null)
    }
  })

  it('has seen what PostgreSQL shows to a snapshot', () => {
    const snapshot = parseSnapshot('90:120:90,95,119')
    const seen = [1, 89, 91, 94, 96, 118]
    const unseen = [90, 95, 119, 120, 121, 1_000_000]
    for (const transaction of seen) expect(hasSeen(snapshot, transaction), String(transaction)).to.equal(true)
    for (const transaction of unseen) expect(hasSeen(snapshot, transaction), String(transaction)).to.equal(false)
    for (const transaction of [1, 2, 761]) {
      expect(hasSeen(parseSnapshot(NOTHING_SEEN), transaction), String(transaction)).to.equal(false)
    }
  })

  it('stays short, and one of ours, however many transactions are under way; it claims less then, never more', () => {
    const xmin = 281_474_976_710_000
    const running = Array.from({ length: 5_000 }, (_, index) => xmin + 2 * index)
    const snapshot = `${xmin}:${xmin + 20_000}:${running.join()}`
    const cursor = encodeCursor(snapshot, AT)
    expect(cursor.length).to.be.below(4_000)
    const decoded = decodeCursor(cursor)
    if (decoded === null) throw new Error('it is refused')
    expect(decoded.at).to.equal(AT)
    expect(hasSeen(decoded.snapshot, xmin - 1)).to.equal(true)
    expect(hasSeen(decoded.snapshot, xmin + 1), 'one between').to.equal(true)
    for (let transaction = xmin; transaction < xmin + 20_010; transaction += 1) {
      if (hasSeen(decoded.snapshot, transaction)) {
        expect(hasSeen(parseSnapshot(snapshot), transaction), String(transaction)).to.equal(true)
      }
    }
  })
})
