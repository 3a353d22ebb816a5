/**
 * What is published, as a package of its own: `npm run build`, then `npm publish ./dist`. Another directory may
 * be named: `node scripts/build.ts /tmp/somewhere`.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { isBuiltin } from 'node:module'

interface Package {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly type: string
  readonly engines: Record<string, string>
  readonly exports: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}

const ROOT = resolve(import.meta.dirname, '..')
const OUT = resolve(process.argv[2] ?? join(ROOT, 'dist'))
/** The command, as `hallpass` in the directory of programs. */
const BIN = './src/server/cli.js'
/** Where there is code, and what lies beside it. */
const FOLDERS = ['src', 'migrations']

const ours = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Package
const faults: string[] = []

clean()
compile()
copyTheRest()
const scripts = read('**/*.js')
const declarations = read('**/*.d.ts')
pointAtScripts()
writePackage()
chmodSync(join(OUT, BIN), 0o755)
checkFiles()
checkImports()
if (faults.length > 0) {
  process.stderr.write(`The build is not complete:\n${faults.map((fault) => `  - ${fault}\n`).join('')}`)
  process.exit(1)
}

/** Nothing of a build before is published, and no other directory is lost to a slip of the keyboard. */
function clean(): void {
  const isOurs = OUT === join(ROOT, 'dist') || !existsSync(OUT) || existsSync(join(OUT, BIN))
  if (!isOurs && globSync('*', { cwd: OUT }).length > 0) throw new Error(`${OUT} is neither empty nor a build`)
  rmSync(OUT, { recursive: true, force: true })
}

/** Source maps carry their sources under `hallpass:///`: the same bytes, wherever it is built. */
function compile(): void {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
  const { status } = spawnSync(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', OUT], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

/** Templates, styles, lists of words: whatever lies beside the code is part of it. */
function copyTheRest(): void {
  for (const file of filesBesideCode()) cpSync(join(ROOT, file), join(OUT, file))
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) cpSync(join(ROOT, file), join(OUT, file))
}

function filesBesideCode(): string[] {
  const found = FOLDERS.flatMap((folder) => globSync(`${folder}/**/*`, { cwd: ROOT, withFileTypes: true }))
  return found
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

/** The compiler leaves `.ts` in declarations. It finds `.d.ts` there itself; other programs that read them may not. */
function pointAtScripts(): void {
  for (const [file, text] of declarations) {
    const pointing = text.replaceAll(/(\bfrom |\bimport\(|\bimport )(["'])(\.[^"']*)\.ts\2/g, '$1$2$3.js$2')
    declarations.set(file, pointing)
    writeFileSync(join(OUT, file), pointing)
  }
}

function writePackage(): void {
  const { name, version, description, license, type, engines, dependencies } = ours
  const peers = findPeers()
  const published = {
    name,
    version,
    description,
    license,
    type,
    engines,
    bin: { hallpass: BIN },
    exports: Object.fromEntries(Object.entries(ours.exports).map(([path, source]) => [path, compiled(source)])),
    dependencies,
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(Object.keys(peers).map((peer) => [peer, { optional: true }])),
  }
  writeFileSync(join(OUT, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
}

function compiled(source: string): { types: string; default: string } {
  return { types: source.replace(/\.ts$/, '.d.ts'), default: source.replace(/\.ts$/, '.js') }
}

/** What declarations and adapters speak of and is no dependency: the frameworks that these are for, and types. */
function findPeers(): Record<string, string> {
  const texts = [...[...reachableDeclarations()].map((file) => declarations.get(file)), ...adapters().values()]
  const named = texts.flatMap((text) => packagesIn(text ?? ''))
  const wanted = named.flatMap((name) => [name, typesOf(name)]).concat('@types/node')
  const versions = Object.entries(ours.devDependencies).filter(([name]) => wanted.includes(name))
  // Whose types they have is the application's choice; the frameworks are those that we test with.
  const range = (name: string, version: string): string =>
    name.startsWith('@types/') ? '*' : `^${version.split('.')[0]}.0.0`
  return Object.fromEntries(versions.map(([name, version]) => [name, range(name, version)]))
}

/** What is for those who have the framework alone: exported by itself, beside a face. */
function adapters(): Map<string, string> {
  const exported = Object.values(ours.exports).map((source) => join(compiled(source).default))
  return new Map([...scripts].filter(([file]) => exported.includes(file) && !file.endsWith('index.js')))
}

function typesOf(name: string): string {
  return `@types/${name.replace(/^@/, '').replace('/', '__')}`
}

/** From the exports on: nobody's compiler reads the others. */
function reachableDeclarations(): Set<string> {
  const reached = new Set<string>()
  const waiting = Object.values(ours.exports).map((source) => join(compiled(source).types))
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = declarations.get(file)
    if (text === undefined || reached.has(file)) continue
    reached.add(file)
    const from = dirname(file)
    const near = specifiersIn(text).filter((each) => each.startsWith('.'))
    waiting.push(...near.map((each) => join(from, each.replace(/\.js$/, '.d.ts'))))
  }
  return reached
}

function checkFiles(): void {
  const sources = FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }))
  const expected = sources.flatMap((source) => Object.values(compiled(source)))
  const exported = Object.values(ours.exports).flatMap((source) => Object.values(compiled(source)))
  for (const file of [...expected, ...filesBesideCode(), ...exported]) expectFile(file, 'is missing')

  for (const [file, text] of scripts) {
    const own = text.replaceAll('createRequire(import.meta.url)', '') // asks for packages
    const places = [...own.matchAll(/new URL\('([^']+)', import\.meta\.url\)|import\.meta\.dirname, '([^']+)'/g)]
    for (const [, url, path] of places) expectFile(join(dirname(file), url ?? path ?? ''), `is read by ${file}`)
    if (places.length < own.split('import.meta').length - 1) faults.push(`${file} reads beside itself, unclear what`)
  }
}

/** Nothing is imported that an installation would not have. */
function checkImports(): void {
  for (const [file, text] of scripts) {
    for (const each of specifiersIn(text).filter((one) => one.startsWith('.')))
      expectFile(join(dirname(file), each), `is imported by ${file}`)
    for (const name of packagesIn(text))
      if (!(name in ours.dependencies) && !(adapters().has(file) && name in ours.devDependencies))
        faults.push(`${file} imports ${name}, which is no dependency`)
  }
}

function expectFile(file: string, fault: string): void {
  if (!existsSync(join(OUT, file))) faults.push(`${file} ${fault}`)
}

/** By path, relative to the build. */
function read(pattern: string): Map<string, string> {
  return new Map(globSync(pattern, { cwd: OUT }).map((file) => [file, readFileSync(join(OUT, file), 'utf8')]))
}

function specifiersIn(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom |\bimport\(|^import )["']([^"']+)["']/gm)].map(([, each = '']) => each)
}

function packagesIn(text: string): string[] {
  return specifiersIn(text)
    .filter((each) => !each.startsWith('.') && !isBuiltin(each))
    .map((each) => /^(?:@[^/]+\/)?[^/]+/.exec(each)?.[0] ?? each)
}
