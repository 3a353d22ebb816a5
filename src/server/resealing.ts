/** What an older secret sealed is sealed anew with the current one, so that the older one can go. */
import type { Logger } from 'pino'
import { nameOf } from './errors.ts'

/** Not before the deploy that brought a new secret is surely over. Milliseconds. */
const EVERY = 60 * 60 * 1000

/** @param sealed by what they are; `reencrypt` returns how many there were */
export function startResealing(
  sealed: Readonly<Record<string, { reencrypt(): Promise<number> }>>,
  log: Logger,
): { stop(): void } {
  async function reseal(): Promise<void> {
    for (const [what, noun] of Object.entries(sealed)) {
      try {
        const count = await noun.reencrypt()
        if (count > 0) log.info({ what, count }, 'sealed anew with the current secret')
      } catch (error) {
        log.error({ what, failure: nameOf(error) }, 'could not be sealed anew with the current secret')
      }
    }
  }
  const timer = setInterval(() => void reseal(), EVERY).unref()
  return { stop: () => clearInterval(timer) }
}
