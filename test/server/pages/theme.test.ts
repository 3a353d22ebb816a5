import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigError } from '../../../src/server/config.ts'
import { readTheme } from '../../../src/server/pages/theme.ts'
import { openPage, policyOf, type HtmlAnswer } from '../../support/pages.ts'
import { runCli } from '../../support/processes.ts'
import { startServer } from '../../support/server.ts'

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle cx="5" cy="5" r="5"/></svg>'
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const NAME = 'Ädelweiß & "Co"'

const styleIn = ({ html }: HtmlAnswer): string => /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? ''
const headerIn = ({ html }: HtmlAnswer): string => /<header>([^]*?)<\/header>/.exec(html)?.[1] ?? ''

describe('A theme', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'hallpass-theme-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  function file(name: string, content: string | Buffer): string {
    const path = join(directory, name)
    writeFileSync(path, content)
    return path
  }
  const faultsOf = (settings: { theme?: string; logo?: string }): readonly string[] => {
    try {
      readTheme({ theme: null, logo: null, ...settings })
      return []
    } catch (error) {
      expect(error).to.be.instanceOf(ConfigError)
      return (error as ConfigError).faults
    }
  }

  it('is none where none is set', () => {
    expect(readTheme({ theme: null, logo: null })).to.deep.equal({ style: '', logo: null })
  })

  it('is read as a browser will hash it', () => {
    const theme = file('windows.css', ':root {\r\n  --accent: #a0f;\r\n}\r')
    expect(readTheme({ theme, logo: null }).style).to.equal(':root {\n  --accent: #a0f;\n}\n')
  })

  it('is refused where it would leave its place, or load something', () => {
    for (const [content, name] of [
      ['a{} </style><script>alert(1)</script>', '</style'],
      ['a{} </STYLE >', '</style'],
      ["@import 'other.css';", '@import'],
      ['body { background: url(https://example.com/x.png) }', 'url('],
      ['body { background: URL(x.png) }', 'url('],
    ] as const) {
      const [fault, ...others] = faultsOf({ theme: file('bad.css', content) })
      expect(fault)
        .to.match(/^HALLPASS_THEME names .*bad\.css, which has /)
        .and.include(name)
      expect(others).to.be.empty
    }
  })

  it('is refused where it is too large, no text, or not there, and so is a logo: all faults at once', () => {
    expect(faultsOf({ theme: file('large.css', 'a'.repeat(16 * 1024)) })).to.be.empty
    expect(faultsOf({ theme: file('large.css', 'a'.repeat(16 * 1024 + 1)) })[0]).to.include('larger than 16 kB')
    for (const content of [Buffer.from([0x61, 0xff]), 'a\0b']) {
      expect(faultsOf({ theme: file('binary.css', content) })[0]).to.include('not text in UTF-8')
    }
    expect(faultsOf({ logo: file('large.svg', SVG.padEnd(64 * 1024 + 1)) })[0]).to.include('larger than 64 kB')
    expect(faultsOf({ logo: file('logo.jpg', Buffer.from('ffd8ffe0', 'hex')) })[0]).to.include(
      'neither an SVG nor a PNG',
    )
    const both = faultsOf({ theme: join(directory, 'none.css'), logo: directory })
    expect(both[0]).to.match(/^HALLPASS_THEME names .*none\.css, which must be a readable file \(ENOENT\)$/)
    expect(both[1]).to.match(/^HALLPASS_LOGO names .*, which must be a readable file \(EISDIR\)$/)
  })

  it('that cannot be used stops the start, in words', async () => {
    const { code, output } = await runCli('', ['serve'], {
      DATABASE_URL: '',
      HALLPASS_SECRET: '',
      HALLPASS_DATA_DIR: 'memory://',
      SMTP_URL: '',
      HALLPASS_MAIL_FROM: '',
      HALLPASS_ISSUER: 'http://localhost:3000',
      HALLPASS_THEME: file('bad.css', '@import "x";'),
    })
    expect(output).to.include('Hallpass cannot start:\n  - HALLPASS_THEME names').and.include('@import')
    expect(output).not.to.match(/^\s+at /m)
    expect(code).to.equal(1)
  }).timeout(30_000)

  it('comes after our own style on every page, within the hash of the policy, with the logo and its name', async () => {
    const server = await startServer('embedded', {
      HALLPASS_NAME: NAME,
      HALLPASS_THEME: file('ours.css', ':root { --accent: #a0f; }\r\n'),
      HALLPASS_LOGO: file('logo.svg', SVG),
    })
    try {
      for (const path of ['sign-in', 'sign-up', 'reset', 'confirm', 'magic?token=x']) {
        const answer = await openPage(`${server.url}/${path}`)
        const style = styleIn(answer)
        expect(style).to.match(/:root \{ --accent: #a0f; \}\n$/)
        expect(style).to.include('color-scheme')
        const hash = createHash('sha256').update(style).digest('base64')
        expect(policyOf(answer, 'style-src')).to.equal(`'sha256-${hash}'`)
        expect(policyOf(answer, 'img-src')).to.equal('data:')
        expect(headerIn(answer)).to.equal(
          `<img class="logo" src="data:image/svg+xml;base64,${btoa(SVG)}" alt="Ädelweiß &#38; &#34;Co&#34;" />`,
        )
      }
    } finally {
      await server.stop()
    }
  }).timeout(30_000)

  it('may have a logo in PNG', () => {
    const { logo } = readTheme({ theme: null, logo: file('logo.png', PNG) })
    expect(logo).to.equal(`data:image/png;base64,${PNG.toString('base64')}`)
  })
})
