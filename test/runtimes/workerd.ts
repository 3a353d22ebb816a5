/** A worker in Cloudflare's own runtime, on a port of this machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'

export interface Worker {
  readonly url: string
  stop(): Promise<void>
}

/** @param bindings what the worker finds in its `env` @throws with what the runtime wrote, when it does not start */
export async function startWorker(
  workerd: string,
  worker: { directory: string; file: string; bindings: Record<string, string> },
): Promise<Worker> {
  const config = writeConfig(worker)
  const child = spawn(workerd, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'close')
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr, child.stdio[3]])
    stream?.on('data', (chunk: Buffer) => chunks.push(String(chunk)))

  const port = await new Promise<string>((tell, fail) => {
    child.stdio[3]?.on('data', () => {
      const [, found] = /"event":"listen".*"port":(\d+)/.exec(chunks.join('')) ?? []
      if (found !== undefined) tell(found)
    })
    child.once('close', () => fail(new Error(`workerd did not start. It wrote:\n${chunks.join('')}`)))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      kill()
      await exited
      process.off('exit', kill)
    },
  }
}

/** It may reach what is on this machine, as a worker's own network may not. @returns the file */
function writeConfig(worker: { directory: string; file: string; bindings: Record<string, string> }): string {
  const modules = copyModules(worker).map((name) => `(name = "${name}", esModule = embed "worker/${name}")`)
  const bindings = Object.entries(worker.bindings).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  )
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "2025-06-01",
  bindings = [${bindings.join(', ')}],
);
`
  const file = join(worker.directory, 'worker.capnp')
  writeFileSync(file, config)
  return file
}

/** The runtime knows no node_modules: every module by a name of its own, as a bundler would see to. */
function copyModules({ directory, file }: { directory: string; file: string }): string[] {
  mkdirSync(join(directory, 'worker'))
  const names = new Map<string, string>()

  function copy(path: string): string {
    const known = names.get(path)
    if (known !== undefined) return known
    const name = `${names.size}-${basename(path)}`
    names.set(path, name)
    const text = readFileSync(path, 'utf8').replaceAll(
      /(\bfrom |^import )(["'])([^"']+)\2/gm,
      (whole, before: string, _quote, specifier: string) =>
        specifier.startsWith('cloudflare:')
          ? whole
          : `${before}"./${copy(realpathSync(createRequire(path).resolve(specifier)))}"`,
    )
    writeFileSync(join(directory, 'worker', name), text)
    return name
  }

  copy(join(directory, file))
  return [...names.values()]
}
