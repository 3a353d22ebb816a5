/**
 * Writes docs/configuration.md from the table of settings. With `--check` it writes nothing and fails
 * when the page is not what the table says.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { groups, settingKeys, settings } from '../src/server/settings.ts'
import type { Setting } from '../src/server/settings.ts'

const file = join(import.meta.dirname, '..', 'docs', 'configuration.md')

if (!process.argv.includes('--check')) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, page())
} else if (storedPage() !== page()) {
  process.stderr.write('docs/configuration.md is not what src/server/settings.ts says: run `npm run docs:build`\n')
  process.exitCode = 1
}

function storedPage(): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function page(): string {
  return `<!-- Written by scripts/configuration-docs.ts from src/server/settings.ts: change it there, then \`npm run docs:build\`. -->

# Configuration

Hallpass starts without any setting: it listens on \`http://localhost:3000\` and keeps its data in \`.hallpass\`. For real use, set these:

\`\`\`sh
DATABASE_URL=postgres://hallpass:...@db.example.com/hallpass
HALLPASS_SECRET=...                                # openssl rand -base64 32
HALLPASS_ISSUER=https://auth.example.com           # the public URL of this service
HALLPASS_ALLOWED_ORIGINS=https://app.example.com   # your browser applications
SMTP_URL=smtps://user:password@mail.example.com    # what hands your mail on
HALLPASS_MAIL_FROM=Example <post@example.com>      # who it comes from
\`\`\`

Behind a reverse proxy, and https always means one, add \`HALLPASS_TRUSTED_PROXIES\`.

All settings are checked at the start. When some are wrong the process says so about each of them and does not start. \`hallpass config\` prints what is in effect and where it came from, secrets hidden.

## Where settings come from

- **The environment**, or a file \`.env\` in the working directory. Where both have a name, the environment counts. In \`.env\`, put a value that contains \`#\` between quotes.
- **A file of its own**: \`<NAME>_FILE\` names a file that holds the value, for every setting of this page. \`HALLPASS_SECRET_FILE=/run/secrets/hallpass\` is how container platforms hand over secrets. A line break at the end is dropped; a name and its \`_FILE\` together are a mistake.
- An empty value is the same as none.
- A name that begins with \`HALLPASS_\` and is not on this page is a mistake, so that a misspelt setting is not silently without effect.

Durations are a number with a unit: \`30s\`, \`5m\`, \`12h\`, \`30d\`. Lists are comma-separated.

${groups.map(section).join('\n\n')}

## How lifetimes fit together

An access token does not outlive its session, so \`HALLPASS_ACCESS_TTL\` must not be longer than \`HALLPASS_IDLE_TTL\`, nor that longer than \`HALLPASS_ABSOLUTE_TTL\`. A lifetime you do not set gives way: with only \`HALLPASS_ABSOLUTE_TTL=7d\`, the idle time is 7 days too.

\`HALLPASS_PRESET=strict\` is for services where a forgotten device is a danger. It changes these defaults, and what you set yourself still wins:

${strictTable()}

Without a grace, a client that loses an answer and sends no \`Idempotency-Key\` is signed out. The Hallpass client sends one.

## Changing the secret

It takes two deploys, and nobody is signed out:

1. Make a new secret and add it to \`HALLPASS_SECRET_PREVIOUS\` everywhere. Every process now accepts it, none uses it yet.
2. Set it as \`HALLPASS_SECRET\` everywhere, and put the old one into \`HALLPASS_SECRET_PREVIOUS\` in its place.

Leave the old one there for at least \`HALLPASS_IDLE_TTL\`: each refresh moves its session to the new secret, and a session that was not refreshed for so long has ended anyway. Then remove it.

A secret that leaked is not left there: after the second deploy, end all sessions with \`hallpass sessions revoke --all\`, change the signing key with \`hallpass keys rotate\`, and remove the leaked secret at once.
`
}

function section(group: string): string {
  const rows = entries()
    .filter((setting) => setting.group === group)
    .map((setting) => `| \`${setting.name}\` | ${defaultOf(setting)} | ${cell(setting.meaning)} |`)
  return [`## ${group}`, '', '| name | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function strictTable(): string {
  const rows = entries()
    .filter((setting) => setting.strict !== undefined)
    .map((setting) => `| \`${setting.name}\` | ${defaultOf(setting)} | \`${setting.strict}\` |`)
  return ['| name | default | strict |', '|---|---|---|', ...rows].join('\n')
}

function entries(): Setting<unknown>[] {
  return settingKeys.map((key) => settings[key])
}

function defaultOf(setting: Setting<unknown>): string {
  return setting.default === undefined ? cell(setting.otherwise ?? 'none') : `\`${setting.default}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
