/** The package as it is published: built once for the whole run, and installed as others have it. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const ROOT = resolve(import.meta.dirname, '..', '..')
/** Only against waiting for ever; milliseconds. */
const LONGEST_RUN = 60_000

/** Ends with what it wrote to standard output. @throws with all that it wrote, when it fails */
export async function run(
  file: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<string> {
  const { cwd, env = {} } = options
  const limits = { timeout: LONGEST_RUN, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const
  try {
    // `node` is the one that runs the tests, whatever else there is.
    const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
    home ??= aDirectory()
    const { stdout } = await promisify(execFile)(file, args, { cwd, env: { PATH, HOME: home, ...env }, ...limits })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** Of no person: what programs leave there is nobody's. */
let home: string | undefined

/** @returns its directory, for reading only */
export const builtPackage = (): Promise<string> => (built ??= build())
let built: Promise<string> | undefined

async function build(): Promise<string> {
  const directory = join(aDirectory(), 'hallpass')
  await run(process.execPath, [join(ROOT, 'scripts', 'build.ts'), directory], { cwd: ROOT })
  return directory
}

/**
 * An application of somebody else, outside the repository.
 * @param packages what is installed in it beside Hallpass
 * @param files to copy into it, relative to `test`
 * @returns its directory
 */
export async function aConsumer(packages: readonly string[], files: readonly string[] = []): Promise<string> {
  const directory = aDirectory()
  const modules = join(directory, 'node_modules')
  cpSync(await builtPackage(), join(modules, 'hallpass'), { recursive: true })
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  }
  for (const file of files) cpSync(join(ROOT, 'test', file), join(directory, file.split('/').at(-1) ?? file))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  return directory
}

/** What has to be installed with it. */
export async function runtimeDependencies(): Promise<string[]> {
  const manifest = JSON.parse(readFileSync(join(await builtPackage(), 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return Object.keys(manifest.dependencies)
}

const directories: string[] = []

/** Gone when the run of the tests ends. */
function aDirectory(): string {
  if (directories.length === 0)
    process.once('exit', () => directories.forEach((each) => rmSync(each, { recursive: true, force: true })))
  const directory = mkdtempSync(join(tmpdir(), 'hallpass-consumer-'))
  directories.push(directory)
  return directory
}
