/**
 * node:cluster keeps a connection that it dealt to a worker which ended before it took it: open, and answered by
 * nobody (measured with Node 24.21 under load: one for each kill, and a client waits for it until it loses patience).
 * Here it is closed, so that whoever opened it comes again at once.
 */
import type { Worker } from 'node:cluster'

/** Each waits until the one before was taken, so there is one at most. */
export function closeWhatItDidNotTake(worker: Worker): void {
  const channel = worker.process as unknown as { send: Send }
  const { send } = channel
  let dealt: Handle | undefined
  channel.send = function (message, handle, ...others) {
    dealt = handle ?? dealt
    return send.call(this, message, handle, ...others)
  }
  worker.once('exit', () => dealt?.close()) // one that was taken is closed already, and stays with its worker
}

interface Handle {
  close(): void
}

type Send = (this: unknown, message: unknown, handle?: Handle, ...others: unknown[]) => boolean
