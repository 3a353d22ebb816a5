import { createPublicKey } from 'node:crypto'
import { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import type { PublishedKey } from '../tokens/signing-keys.ts'
import { required } from './required.ts'

export function keysCommand(hallpass: Hallpass | null, write: Write): Command {
  const command = new Command('keys').description('the keys that sign access tokens')
  const keys = () => required(hallpass).keys

  command
    .command('list')
    .description('every key with its state: next, active, retired or withdrawn')
    .option('--pem', 'the public halves of those in the JWKS, for programs that cannot read it')
    .action(({ pem = false }: { pem?: boolean }) => {
      if (pem) return write(keys().list().filter(isPublished).map(toPem).join(''))
      for (const { kid, alg, state, activatesAt } of keys().list()) {
        write(`${kid}  ${alg}  ${state.padEnd(9)}  active from ${activatesAt.toISOString()}\n`)
      }
    })

  command
    .command('rotate')
    .description('make a new key; it signs in ten minutes, when every API has had time to fetch it')
    .option('--now', 'sign with it at once: APIs fetch the JWKS when they meet its unknown kid')
    .action(async ({ now = false }: { now?: boolean }) => {
      const key = await keys().rotate({ immediately: now })
      write(`${key.kid}  ${key.alg}  signs from ${key.activatesAt.toISOString()}\n`)
    })

  command
    .command('revoke')
    .description('take a key out of the JWKS at once; devices get new tokens at their next refresh')
    .argument('<kid>')
    .action(async (kid: string) => {
      if (!(await keys().revoke(kid))) throw new Error(`there is no key ${kid} to revoke; see: hallpass keys list`)
      write(`revoked ${kid}\n`)
    })

  return command
}

const isPublished = ({ state }: PublishedKey): boolean => state !== 'withdrawn'

/** RFC 7468 section 2 has text before the boundary ignored, so all of this may stand in one file. */
function toPem({ kid, alg, state, publicJwk }: PublishedKey): string {
  const key = createPublicKey({ key: publicJwk, format: 'jwk' })
  return `# ${kid} ${alg} ${state}\n${key.export({ type: 'spki', format: 'pem' }).toString()}`
}
