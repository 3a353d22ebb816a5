/** One process that serves: its store, its socket for commands, its port. */
import { runCommand } from './commands.ts'
import type { Config } from './config.ts'
import { controlSocketPath, listenForCommands, socketAddress, type CommandServer } from './control-socket.ts'
import type { Database } from './database/database.ts'
import { listen, type Listening } from './listen.ts'
import { lowerPoolPriority } from './pool-priority.ts'
import { createServer, type ServerOptions } from './server.ts'

export interface Serving {
  readonly port: number
  readonly store: Database['kind']
  /** Requests under way are finished, everything is closed. @param linger see `Listening.close` */
  stop(linger: number): Promise<void>
}

/** Resolves when requests are answered. @throws as `createServer` does, and when the port or the socket is taken */
export async function startServing(config: Config, options: ServerOptions): Promise<Serving> {
  const path = controlSocketPath(config)
  if (path !== null) socketAddress(path) // said before a database is made
  const hallpass = await createServer(config, options)
  const { store } = hallpass
  // RS256 is signed there too, and a refresh waits for it.
  if (config.signingAlg !== 'RS256') await lowerPoolPriority()
  let control: CommandServer | null = null
  let listening: Listening
  try {
    if (path !== null)
      control = await listenForCommands({ path, run: (argv, write) => runCommand(argv, hallpass, write) })
    listening = await listen(hallpass, config.host, config.port)
    store.lock?.update({ pid: process.pid, address: `http://${config.host}:${listening.port}` })
  } catch (error) {
    await control?.close()
    await hallpass.close()
    throw error
  }
  return {
    port: listening.port,
    store: store.database.kind,
    async stop(linger) {
      await listening.close(linger)
      await control?.close()
      await hallpass.close()
    },
  }
}
