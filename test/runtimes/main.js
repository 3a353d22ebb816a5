/** For runtimes that run a file: Node, Deno, Bun. It is told of a service, and writes what came of it all. */
import process from 'node:process'
import { tryClient } from './client.js'
import { tryInMemory, tryService } from './program.js'

const service = JSON.parse(process.argv[2])
const results = {
  inMemory: await tryInMemory(),
  service: await tryService(service),
  client: await tryClient(service),
}
process.stdout.write(JSON.stringify(results))
