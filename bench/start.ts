/**
 * From nothing to ready, and how much memory that takes: at rest, and after a million refreshes.
 *
 *   npm ci --prefix bench              once, for what loads the fleet
 *   npm run bench:start                both stores; from what is published and from the sources; 10^6 refreshes
 *   npm run bench:start -- --quick     a tenth of the refreshes, two starts of each kind
 *   npm run bench:start -- --profile   where the processor time of a start goes, by package; nothing else
 *   npm run bench:start -- --memory --node-options=--max-semi-space-size=16     the refreshes alone, otherwise set
 *
 * All of it is seen from outside: /readyz is asked until it says 200, and memory is what /proc says. PostgreSQL is
 * one of our own with durable commits, or the one that BENCH_DATABASE_URL names.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mailSettings, stopSharedMailServer } from '../test/support/mail.ts'
import { startMeasuredPostgres } from './machine/postgres.ts'
import { describeMachine } from './report/machine.ts'
import { median } from './report/quantiles.ts'
import { watchMemory } from './start/memory.ts'
import { printProfile } from './start/profile.ts'
import { startOnce, timeOf, type Start } from './start/start-once.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    'node-options': { type: 'string', default: '' },
  },
})
const ROUNDS = values.quick ? 2 : 7
const REFRESHES = values.quick ? 100_000 : 1_000_000

/** Made by `npm run build`, and the sources, which Node strips of their types. */
const FORMS = { published: 'dist/src/server/cli.js', sources: 'src/server/cli.ts' }

const postgres = await startMeasuredPostgres()
const directories = mkdtempSync(join(tmpdir(), 'hallpass-start-'))
const node = values['node-options'] === '' ? {} : { NODE_OPTIONS: values['node-options'] }
const settings = { HALLPASS_SECRET: 'a secret of which nothing depends', ...node, ...(await mailSettings()) }
try {
  const built = spawnSync(process.execPath, ['scripts/build.ts'], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (built.status !== 0) throw new Error('the build failed')
  console.log(`${await describeMachine(postgres.url('postgres'))}; ${ROUNDS} starts of each kind, medians\n`)
  if (values.profile) {
    const onDatabase = { ...settings, DATABASE_URL: await postgres.createDatabase() }
    for (const [form, cli] of Object.entries(FORMS)) await printProfile(form, cli, onDatabase)
  } else {
    if (!values.memory) await compareStarts()
    await watchMemory({ databaseUrl: await postgres.createDatabase(), refreshes: REFRESHES, environment: node })
  }
} finally {
  rmSync(directories, { recursive: true })
  await postgres.stop()
  await stopSharedMailServer()
}

async function compareStarts(): Promise<void> {
  console.log('| store | from | | ready, ms | most | processor, ms | at rest, MB | of which its own |')
  console.log('|---|---|---|---:|---:|---:|---:|---:|')
  for (const [form, cli] of Object.entries(FORMS)) {
    for (const store of ['PostgreSQL', 'embedded'] as const) {
      const where = async (): Promise<Record<string, string>> =>
        store === 'embedded'
          ? { ...settings, HALLPASS_DATA_DIR: mkdtempSync(join(directories, 'data-')) }
          : { ...settings, DATABASE_URL: await postgres.createDatabase() }
      const first: Start[] = []
      const later: Start[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        const environment = await where()
        // As on a machine where it never ran: no table, and nothing that Node has compiled before.
        first.push(await startOnce(cli, { ...environment, NODE_DISABLE_COMPILE_CACHE: '1' }))
        await startOnce(cli, environment)
        later.push(await startOnce(cli, environment))
      }
      print(`${store} | ${form} | the very first`, first)
      print(`${store} | ${form} | later`, later)
    }
  }
  const parts = {
    'node alone': timeOf(['-e', '0'], ROUNDS),
    'and every module (`hallpass --version`), published': timeOf([FORMS.published, '--version'], ROUNDS),
    'the same from the sources': timeOf([FORMS.sources, '--version'], ROUNDS),
  }
  console.log('\nOf a later start:\n')
  for (const [name, time] of Object.entries(parts)) console.log(`- ${name}: ${Math.round(time)} ms`)
}

function print(what: string, starts: readonly Start[]): void {
  const cells = [
    median(starts.map(({ ready }) => ready)),
    Math.max(...starts.map(({ ready }) => ready)),
    median(starts.map(({ processor }) => processor)),
    median(starts.map(({ resident }) => resident)) / 2 ** 20,
    median(starts.map(({ own }) => own)) / 2 ** 20,
  ]
  console.log(`| ${what} | ${cells.map((cell) => Math.round(cell).toLocaleString('en')).join(' | ')} |`)
}
