import { expect } from 'chai'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mail, MailPurpose } from '../../../src/server/emails/mail.ts'
import { createRenderMail } from '../../../src/server/emails/render.ts'

const link = 'https://auth.example.com/page?a=1&b=2#hpem_secret'
const who = { device: 'Chrome on Windows 11', ip: '203.0.113.7', place: 'Lisbon, Portugal', at: '2026-03-04T14:05:09Z' }

/** Each with what only its own words say. */
const purposes: readonly (readonly [MailPurpose, Mail['details'], RegExp])[] = [
  ['confirm', { lifetime: 86_400 }, /did not make this account, do not confirm.*nothing happens/s],
  ['account_exists', { lifetime: 1_800 }, /already has one.*set a new password/s],
  ['magic_link', { lifetime: 600 }, /works for 10 minutes and only once/],
  ['reset_password', { lifetime: 1_800 }, /choose a new password/],
  ['change_email', { lifetime: 86_400 }, /did not ask for this, do not confirm/],
  ['email_in_use', {}, /nothing was changed/],
  ['email_changed', { lifetime: 259_200, newAddress: 'grace@example.org' }, /grace@example\.org.*works for 72 hours/s],
  ['password_changed', who, /every other device was signed out/],
  ['new_device', who, /Chrome on Windows 11.*Lisbon, Portugal.*203\.0\.113\.7.*4 March 2026 at 14:05 UTC/s],
  ['token_reuse', { ...who, subtype: 'old_token' }, /old copy of such a key was used/],
  ['device_changed', { ...who, subtype: 'notify', rule: 'network' }, /another network.*nothing to do/s],
  ['api_key_created', { ...who, name: 'nightly backup' }, /nightly backup/],
  ['account_deleted', {}, /cannot be brought back/],
]

const mailOf = (purpose: MailPurpose, change: Partial<Mail> = {}): Mail => ({
  id: 'e3b0c442',
  to: 'ada@example.com',
  purpose,
  link,
  locale: null,
  details: {},
  ...change,
})

const createRender = (templatesDirectory: string | null = null, name = 'Bluebell') =>
  createRenderMail({ name, issuer: 'https://auth.example.com', templatesDirectory })

/** What is read of a page: without its tags and its style, with the characters that stood for others. */
const readable = (html: string): string =>
  html
    .replace(/<style>.*<\/style>/s, '')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

describe('A mail', () => {
  const render = createRender()

  for (const [purpose, details, words] of purposes) {
    describe(purpose, () => {
      const { subject, text, html } = render(mailOf(purpose, { details }))

      it('has a subject in one line, with the name of the service', () => {
        expect(subject).to.match(/^[^\r\n!]*Bluebell[^\r\n!]*$/)
      })

      it('says the same in plain text and in HTML', () => {
        expect(text).to.match(words)
        expect(readable(html)).to.match(words)
        expect(text).not.to.match(/undefined|null|<|&#?\w+;/)
        expect(html).not.to.match(/undefined|null/)
      })

      it('has its link in a line of its own, behind the button, and beneath it', () => {
        expect(text.split('\n')).to.include(link)
        expect(html.split(link.replace('&', '&amp;'))).to.have.length(3)
        expect(html.match(/<a /g)).to.have.length(1)
      })

      it('says who sent it, and to whom', () => {
        const sender = /Bluebell at auth\.example\.com sent this to ada@example\.com/
        expect(text).to.match(sender)
        expect(readable(html)).to.match(sender)
      })

      it('brings nothing from elsewhere, and says its language', () => {
        expect(html).to.match(/^<!doctype html>\n<html lang="en">/)
        expect(html).not.to.match(/<(img|link|script|iframe)|\burl\(|@import|src=/i)
      })

      it('does without a link', () => {
        const bare = render(mailOf(purpose, { link: null, details }))
        expect(bare.html).not.to.match(/<a |class="button"|If the button/)
        expect(bare.text).not.to.match(/https?:|this link works/i)
        expect(bare.subject).to.equal(subject)
      })

      it('does without details', () => {
        const { text: short, html: page } = render(mailOf(purpose))
        expect(short + page).not.to.match(/undefined|null|Invalid|<dl|only once/)
      })
    })
  }

  it('says of a reused token whether a lost connection can be the cause', () => {
    const words = (subtype: string) => render(mailOf('token_reuse', { details: { ...who, subtype } })).text
    expect(words('late_predecessor')).to.match(/lost connection can be the cause/)
    expect(words('old_token')).not.to.match(/lost connection/)
  })

  for (const [lifetime, inWords] of [
    [30, '1 minute'],
    [600, '10 minutes'],
    [3_661, '61 minutes'],
    [86_400, '24 hours'],
    [259_200, '72 hours'],
    [2_592_000, '30 days'],
  ] as const) {
    it(`calls ${lifetime} seconds ${inWords}`, () => {
      const { text } = render(mailOf('confirm', { details: { lifetime } }))
      expect(text).to.include(`This link works for ${inWords} and only once.`)
    })
  }

  it('goes by the host where the service has no name that could be shown', () => {
    expect(createRender(null, '\u200b')(mailOf('confirm')).subject).to.include('for auth.example.com')
  })
})

describe('Words of strangers in a mail', () => {
  const render = createRender()
  const withDevice = (device: string) => render(mailOf('new_device', { details: { ...who, device } }))

  it('are no HTML', () => {
    const markup = `<img src=x onerror=alert(1)>"'&`
    for (const details of [{ device: markup }, { place: markup }, { name: markup }, { newAddress: markup }]) {
      const { html } = render(mailOf('api_key_created', { details }))
      expect(html).not.to.include('<img')
      expect(html).to.include(`&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;`)
    }
  })

  it('make no lines, headers or subjects', () => {
    const plain = withDevice('plain')
    const { subject, text, html } = withDevice('a\r\nBcc: eve@evil.com\u2028\u0000\u001b[31m\u202eb\n\n')
    expect(subject).to.equal(plain.subject)
    expect(text.split('\n')).to.have.length(plain.text.split('\n').length)
    expect((text + html).replaceAll('\n', '')).not.to.match(/[\p{Cc}\p{Zl}\p{Zp}\u202e]/u)
  })

  it('change nothing but the line they stand in, whatever they are', () => {
    const [before, after] = withDevice('MARK').text.split('  Device: MARK\n')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (device) => {
        const { text } = withDevice(device)
        const itsLine = text.slice(before!.length, text.length - after!.length)
        expect(text.startsWith(before!) && text.endsWith(after!)).to.equal(true)
        expect(itsLine).to.match(/^(?: {2}Device: [^\n]+\n)?$/)
      }),
    )
  })

  it('are cut when they are long', () => {
    expect(withDevice('x'.repeat(5_000)).text).to.include(`Device: ${'x'.repeat(100)}\n`)
  })

  /** As a mail program shows plain text that finds links by itself, and eagerly. */
  const linksIn = async (text: string): Promise<string[]> => {
    const { textAsHtml = '' } = await simpleParser(`Content-Type: text/plain; charset=utf-8\r\n\r\n${text}`)
    return Array.from(textAsHtml.matchAll(/href="([^"]*)"/g), ([, href]) => href!.replaceAll('&amp;', '&'))
  }
  const ours = [link, 'http://auth.example.com', 'mailto:ada@example.com']

  for (const bait of [
    'click http://evil.com now',
    'https://evil.com/path?q#f',
    '//evil.com',
    'www.evil.com',
    'evil.com/login',
    'evil.co.uk',
    'eve@evil.com',
    'mailto:eve@evil.com',
    'http://203.0.113.9/x',
    'http://evil\u3002com',
    'ftp://evil.com:21',
    '3.1/evil.com',
  ]) {
    it(`are not made a link: ${bait}`, async () => {
      const { text, html } = render(mailOf('new_device', { details: { device: bait, place: bait, name: bait } }))
      expect(await linksIn(text)).to.have.members(ours)
      expect((await linksIn(readable(html))).filter((href) => !ours.includes(href))).to.deep.equal([])
      expect(html.match(/<a /g)).to.have.length(1)
    })
  }

  it('are made links where nothing is done about it', async () => {
    expect(await linksIn('click http://evil.com now, or eve@evil.com')).to.have.length(2)
  })

  it('stay as they are where nothing could be a link', () => {
    for (const name of ['Chrome 128.0 on macOS 14.1', "Ada's iPhone", 'St. Louis', '👩‍💻 لپ‌تاپ']) {
      expect(withDevice(name).text).to.include(`Device: ${name}\n`)
    }
  })

  it('stay as they are in an address, unless it looks like more than that', () => {
    const textFor = (newAddress: string) => render(mailOf('email_changed', { details: { newAddress } })).text
    expect(textFor("o'brien+x@mail.example.co.uk")).to.include("New address: o'brien+x@mail.example.co.uk\n")
    expect(textFor('jörg@bücher.example')).to.include('New address: jörg@bücher.example\n')
    for (const address of ['evil.com/login@evil.com', 'www.evil.com@evil.com', 'a@evil.com\nhttp://evil.com']) {
      expect(textFor(address)).not.to.match(/evil\.com/)
    }
  })

  it('are left out where an IP address should be', () => {
    const { text } = render(mailOf('new_device', { details: { ...who, ip: 'evil.com' } }))
    expect(text).not.to.match(/evil|IP address:/)
  })
})

describe('Templates of an operator', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hallpass-templates-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const write = (name: string, content: string) => writeFile(join(directory, name), content)

  it('take the place of ours one by one', async () => {
    await write('confirm.txt.eta', 'Subject: Hey <%= it.name %>\n\nGo to <%= it.link %>, <%= it.to %>\n')
    const render = createRender(directory)
    const { subject, text, html } = render(mailOf('confirm'))
    expect(subject).to.equal('Hey Bluebell')
    expect(text).to.equal(`Go to ${link}, ada@example.com\n`)
    expect(html).to.include('Confirm this address').and.to.include('<title>Hey Bluebell</title>')
    expect(render(mailOf('magic_link')).text).to.include('without a password')
  })

  it('take the place of what all mails share', async () => {
    await write('layout.html.eta', '<html><%~ it.body %><footer>Rue du Port 1</footer></html>')
    const render = createRender(directory)
    for (const [purpose] of purposes) {
      expect(render(mailOf(purpose)).html).to.match(/<p>.*<footer>Rue du Port 1</s)
    }
  })

  it('are found by language, from the most special to none', async () => {
    await write('confirm.txt.eta', 'Subject: any\n')
    await write('confirm.de.txt.eta', 'Subject: de\n')
    await write('confirm.de-AT.txt.eta', 'Subject: de-AT\n')
    await write('confirm.zh-Hant.txt.eta', 'Subject: zh-Hant\n')
    const render = createRender(directory)
    for (const [locale, expected] of [
      ['de-AT', 'de-AT'],
      ['DE-at', 'de-AT'],
      ['de-AT-1996', 'de-AT'],
      ['de-CH', 'de'],
      ['de', 'de'],
      ['zh-Hant-TW', 'zh-Hant'],
      ['zh', 'any'],
      ['den', 'any'],
      ['en', 'any'],
      ['', 'any'],
      [null, 'any'],
    ] as const) {
      expect(render(mailOf('confirm', { locale })).subject, String(locale)).to.equal(expected)
    }
  })

  it('speak one language, with times and durations in it, and leave the rest to English', async () => {
    await write('new_device.de.txt.eta', "Subject: Neu\n<%~ include('facts') %>\n<%= it.lifetime %>")
    await write('facts.de.txt.eta', 'Wann: <%= it.when %>')
    await write('new_device.de.html.eta', "<% layout('layout', { title: 'Neu' }) %>")
    const render = createRender(directory)
    const german = render(mailOf('new_device', { locale: 'de-DE', details: { ...who, lifetime: 172_800 } }))
    expect(german.text).to.equal('Wann: Mittwoch, 4. März 2026 um 14:05 UTC\n48 Stunden\n')
    expect(german.html).to.include('<html lang="de">')
    // Its own words are English, so those that it shares are, too.
    const english = render(mailOf('password_changed', { locale: 'de-DE', details: who }))
    expect(english.text).to.include('When: Wednesday, 4 March 2026')
    expect(english.html).to.include('<html lang="en">')
  })

  it('are never looked for outside of their directory', async () => {
    const own = join(directory, 'own')
    await mkdir(join(own, 'confirm.x'), { recursive: true })
    for (const name of ['outside.txt.eta', 'confirm.outside.txt.eta', 'own/confirm.x/y.txt.eta']) {
      await write(name, 'Subject: outside\n')
    }
    const render = createRender(own)
    for (const locale of [
      '/../../outside',
      '../outside',
      'x/y',
      'x/../../outside',
      '..',
      '.',
      '-',
      '\\..\\outside',
      '%2e%2e%2foutside',
      'de\u0000',
      'de\n',
      'de,en;q=0.8',
      '__proto__',
      'constructor',
      'a'.repeat(36),
      'a-'.repeat(50_000),
    ]) {
      expect(render(mailOf('confirm', { locale })).subject).to.equal('Confirm your email address for Bluebell')
    }
  })

  it('see nothing outside of their directory either', async () => {
    await mkdir(join(directory, 'own'))
    await write('outside.txt.eta', 'outside')
    await write('own/confirm.txt.eta', "Subject: x\n<%~ include('../outside') %>")
    expect(() => createRender(join(directory, 'own'))).to.throw('no template ../outside')
  })

  it('may have line ends of Windows, and escape in HTML alone', async () => {
    await write('confirm.txt.eta', 'Subject: a & b\r\n\r\n<%= it.link %>\r\nend\r\n')
    await write('confirm.html.eta', '<%= it.link %>')
    const { subject, text, html } = createRender(directory)(mailOf('confirm'))
    expect({ subject, text }).to.deep.equal({ subject: 'a & b', text: `${link}\nend\n` })
    expect(html).to.equal(`${link.replace('&', '&amp;')}\n`)
  })

  describe('that cannot be used', () => {
    for (const [fault, name, content, words] of [
      ['with a syntax error', 'confirm.html.eta', '<% if ( { %>', /confirm\.html\.eta is not one/],
      ['that are never closed', 'layout.de.html.eta', '<% oops', /layout\.de\.html\.eta is not one/],
      ['that ask for what is not there', 'confirm.de.html.eta', '\n<%= it.a.b %>', /confirm\.de\.html\.eta:2/],
      ['without a subject', 'confirm.txt.eta', 'Hello', /confirm does not begin with a line "Subject/],
      [
        'in a language that cannot be one',
        'confirm.-.txt.eta',
        'Subject: x',
        /confirm\.-\.txt\.eta would not be found/,
      ],
      ['by a name that is none', 'confirm.de_AT.txt.eta', 'Subject: x', /confirm\.de_AT\.txt\.eta would not be found/],
    ] as const) {
      it(`stop the start: ${fault}`, async () => {
        await write(name, content)
        expect(() => createRender(directory)).to.throw(words)
      })
    }

    it('stop the start: a directory that is not there', () => {
      expect(() => createRender(join(directory, 'none'))).to.throw(/ENOENT.*none/)
    })
  })
})
