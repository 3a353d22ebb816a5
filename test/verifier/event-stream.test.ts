import { expect } from 'chai'
import fc from 'fast-check'
import { readEvents, type ReceivedEvent } from '../../src/verifier/event-stream.ts'

const LONGEST = 64 * 1024

async function* inTurn(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const read = async (chunks: readonly Uint8Array[]): Promise<ReceivedEvent[]> => collect(readEvents(inTurn(chunks)))
async function collect(events: AsyncIterable<ReceivedEvent>): Promise<ReceivedEvent[]> {
  const all = []
  for await (const event of events) all.push(event)
  return all
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const readText = (...texts: string[]): Promise<ReceivedEvent[]> => read(texts.map(bytes))

/** Every byte by itself. */
const crumble = (all: Uint8Array): Uint8Array[] => [...all].map((byte) => Uint8Array.of(byte))

function cut(all: Uint8Array, points: readonly number[]): Uint8Array[] {
  const ends = [...new Set(points.map((point) => point % (all.length + 1)))].toSorted((one, other) => one - other)
  return [0, ...ends].map((start, index) => all.subarray(start, ends[index] ?? all.length))
}

describe('A stream of events', () => {
  const plain = { event: '', data: '', id: '' }

  const CASES: [name: string, text: string, events: Partial<ReceivedEvent>[]][] = [
    ['one event', 'event: horizon\nid: 7\ndata: {"a":1}\n\n', [{ event: 'horizon', id: '7', data: '{"a":1}' }]],
    ['one after the other', 'data: a\n\ndata: b\n\n', [{ data: 'a' }, { data: 'b' }]],
    ['its data on several lines', 'data: a\ndata:\ndata: b\n\n', [{ data: 'a\n\nb' }]],
    ['lines that end with CR', 'event: x\rdata: a\r\rdata: b\r\r', [{ event: 'x', data: 'a' }, { data: 'b' }]],
    ['lines that end with CR LF', 'event: x\r\ndata: a\r\n\r\n', [{ event: 'x', data: 'a' }]],
    [
      'lines that end in all three ways',
      'event: x\rdata: a\r\ndata: b\n\r\ndata: c\n\r',
      [{ event: 'x', data: 'a\nb' }, { data: 'c' }],
    ],
    ['comments', ': hello\n:\ndata: a\n: in the middle\n\n:bye\n\n', [{ data: 'a' }]],
    ['one space after the colon, which is not part of it', 'data:a\ndata: b\ndata:  c\n\n', [{ data: 'a\nb\n c' }]],
    ['colons in its data', 'data: {"at":"12:00:00"}\n\n', [{ data: '{"at":"12:00:00"}' }]],
    ['a field without a value', 'data\n\n', [{ data: '' }]],
    ['an empty event, which is none', 'event: x\nid: 1\n\n', []],
    ['blank lines between events', '\n\n\ndata: a\n\n\n\n', [{ data: 'a' }]],
    ['no blank line at its end, without which the event is not complete', 'data: a\n\ndata: b\n', [{ data: 'a' }]],
    ['a line at its end that is not complete', 'data: a\n\ndata: b', [{ data: 'a' }]],
    [
      'the type of an event, which is not that of the next',
      'event: x\ndata: a\n\ndata: b\n\n',
      [{ event: 'x', data: 'a' }, { data: 'b' }],
    ],
    ['the type of an event without data, which is not that of the next', 'event: x\n\ndata: b\n\n', [{ data: 'b' }]],
    [
      'an id, which is that of the next, too',
      'id: 1\ndata: a\n\ndata: b\n\n',
      [
        { id: '1', data: 'a' },
        { id: '1', data: 'b' },
      ],
    ],
    ['an id of an event without data', 'id: 1\n\ndata: b\n\n', [{ id: '1', data: 'b' }]],
    ['an id that is taken back', 'id: 1\ndata: a\n\nid\ndata: b\n\n', [{ id: '1', data: 'a' }, { data: 'b' }]],
    [
      'an id with a NUL, which is ignored',
      'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n',
      [
        { id: '1', data: 'a' },
        { id: '1', data: 'b' },
      ],
    ],
    ['fields that nobody knows', 'retry: 1000\nmood: good\nDATA: x\n data: y\ndata: a\n\n', [{ data: 'a' }]],
    ['a mark of byte order before it', '\ufeffdata: a\n\n', [{ data: 'a' }]],
    [
      'such a mark elsewhere, which is part of a name',
      'data: a\n\n\ufeffdata: b\ndata: c\n\n',
      [{ data: 'a' }, { data: 'c' }],
    ],
    ['letters of two, three and four bytes', 'data: é€😀\n\n', [{ data: 'é€😀' }]],
    ['separators that end no line', 'data: a\u2028b\u0085c\vd\n\n', [{ data: 'a\u2028b\u0085c\vd' }]],
    ['nothing', '', []],
  ]

  for (const [name, text, events] of CASES) {
    it(`may have ${name}`, async () => {
      const expected = events.map((event) => ({ ...plain, ...event }))
      expect(await readText(text)).to.deep.equal(expected)
      expect(await read(crumble(bytes(text))), 'byte by byte').to.deep.equal(expected)
    })
  }

  it('may have bytes that are no text, and goes on after them', async () => {
    const broken = Uint8Array.from([...bytes('data: a'), 0xff, 0xc3, ...bytes('\n\ndata: b\n\n')])
    expect((await read([broken])).map(({ data }) => data)).to.deep.equal(['a\ufffd\ufffd', 'b'])
  })

  it('is read as soon as an event is complete, also where a CR could be half of a line’s end', async () => {
    for (const end of ['\n\n', '\r\r', '\r\n\r\n', '\r\n\r']) {
      const more = Promise.withResolvers<Uint8Array>()
      const chunks = async function* () {
        yield bytes(`data: a${end}`)
        yield await more.promise
      }
      const events = readEvents(chunks())
      expect((await events.next()).value, JSON.stringify(end)).to.include({ data: 'a' })
      more.resolve(bytes('\ndata: b\n\n'))
      expect((await events.next()).value, JSON.stringify(end)).to.include({ data: 'b' })
    }
  })

  it('is the same wherever it is cut', async () => {
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n') },
      { weight: 3, arbitrary: fc.constantFrom('data: ', 'data:', 'data', 'event: ', 'id: ', 'id', ': ', ':') },
      { weight: 2, arbitrary: fc.constantFrom('a', '{"b":1}', ' ', '\0', '\ufeff', 'é', '€', '😀') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 5 }) },
    )
    const stream = fc.array(piece, { maxLength: 60 }).map((pieces) => bytes(pieces.join('')))
    await fc.assert(
      fc.asyncProperty(stream, fc.array(fc.nat(), { maxLength: 12 }), async (all, points) => {
        const whole = await read([all])
        expect(await read(cut(all, points))).to.deep.equal(whole)
        expect(await read(crumble(all))).to.deep.equal(whole)
      }),
      { numRuns: 200 },
    )
  })

  it('gives back what the service writes, wherever it is cut', async () => {
    const text = fc.string({ unit: 'grapheme' }).map((each) => each.replace(/[\r\n\0]/g, ''))
    const event = fc.record({
      event: text.map((each) => each.trimStart()),
      id: text.map((each) => each.trimStart()),
      data: fc.jsonValue().map((value) => JSON.stringify(value)),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (events, points) => {
          const all = bytes(
            events.map(({ event: type, id, data }) => `event: ${type}\nid: ${id}\ndata: ${data}\n\n`).join(''),
          )
          expect(await read(cut(all, points))).to.deep.equal(events)
        },
      ),
      { numRuns: 100 },
    )
  })

  describe('may not go on for ever', () => {
    const failure = (texts: string[]): Promise<unknown> => readText(...texts).catch((error: unknown) => error)

    it('in one line', async () => {
      expect(await failure(['x'.repeat(LONGEST + 1)])).to.be.instanceOf(RangeError)
      expect(await failure([`data: ${'x'.repeat(LONGEST)}\n\n`]), 'even if it ends').to.be.instanceOf(RangeError)
      expect(await failure(Array.from({ length: 70 }, () => 'x'.repeat(1024)))).to.be.instanceOf(RangeError)
      expect(await readText('x'.repeat(LONGEST))).to.deep.equal([])
    })

    it('in the lines of one event', async () => {
      expect(await failure(Array.from({ length: 70 }, () => `data: ${'x'.repeat(1024)}\n`))).to.be.instanceOf(
        RangeError,
      )
      expect(await failure(Array.from({ length: 7 }, () => 'data\n'.repeat(10_000)))).to.be.instanceOf(RangeError)
    })

    it('but may in many events, and in as many comments', async () => {
      const events = await readText(...Array.from({ length: 500 }, () => `data: ${'x'.repeat(1024)}\n\n: alive\n`))
      expect(events).to.have.length(500)
      expect(
        await readText(...Array.from({ length: 500 }, () => `: ${'x'.repeat(1024)}\n`), 'data: a\n\n'),
      ).to.have.length(1)
    })

    it('and what came before it counts', async () => {
      const events = readEvents(inTurn([bytes(`data: a\n\ndata: ${'x'.repeat(LONGEST)}`)]))
      expect((await events.next()).value).to.include({ data: 'a' })
      expect(await events.next().catch((error: unknown) => error)).to.be.instanceOf(RangeError)
    })
  })
})
