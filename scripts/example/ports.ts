/** Ports that are free now. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

/**
 * @param port 0: any
 * @throws {PortTaken} somebody listens there
 */
export async function findPort(port: number): Promise<number> {
  const probe = createServer().listen(port, 'localhost')
  try {
    await once(probe, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'EADDRINUSE' ? new PortTaken(`Port ${port} is in use by another program.`, { cause: error }) : error
  }
  const { port: found } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return found
}
