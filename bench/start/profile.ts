/** Where the processor time of a start goes: Node's own profile of it, added up by package. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOnce } from './start-once.ts'

/** As V8 writes it (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile). */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame; readonly children?: readonly number[] }[]
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

interface Frame {
  readonly functionName: string
  readonly url: string
}

const SHOWN = 15

export async function printProfile(
  form: string,
  cli: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'hallpass-profile-'))
  try {
    await startOnce(cli, environment)
    await startOnce(cli, environment, ['--cpu-prof', `--cpu-prof-dir=${directory}`])
    const [file = ''] = readdirSync(directory)
    const times = byPackage(JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile)
    console.log(`### ${form}\n\n| in | ms |\n|---|---:|`)
    for (const [name, time] of [...times].toSorted(([, one], [, other]) => other - one).slice(0, SHOWN)) {
      console.log(`| ${name} | ${(time / 1000).toFixed(0)} |`)
    }
    console.log('')
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** What Node does for somebody is that package's, but for finding and reading modules. */
function byPackage({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const owners = new Map(nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [index, sample] of samples.entries()) {
    let at: number | undefined = sample
    while (at !== undefined && owners.get(at) === null) at = parents.get(at)
    const owner = (at === undefined ? null : owners.get(at)) ?? 'Node for itself'
    times.set(owner, (times.get(owner) ?? 0) + (timeDeltas[index] ?? 0))
  }
  return times
}

/** @returns null for what is done for somebody else */
function ownerOf({ functionName, url }: Frame): string | null {
  if (functionName === '(idle)') return 'waiting, for PostgreSQL above all'
  if (functionName === '(garbage collector)') return 'collecting garbage'
  if (url.startsWith('node:internal/modules/')) return 'finding, reading and compiling modules'
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url) ?? []
  if (name !== undefined) return name
  return url.startsWith('file:') ? 'Hallpass itself' : null
}
