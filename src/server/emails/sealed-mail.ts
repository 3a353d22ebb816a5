/** A composed mail while it waits: its link is encrypted, as the database keeps no token that could be used. */
import type { Ring } from '../tokens/ring.ts'
import type { ComposedMail } from './composing.ts'
import type { Mail } from './mail.ts'

/** As it stands in the outbox, in place of the wish. */
export interface SealedMail extends Omit<ComposedMail, 'link' | 'goodFor'> {
  readonly link_sealed: string | null
  /** After which it is of no use any more. RFC 3339. */
  readonly until: string
}

export const isSealed = (payload: object): payload is SealedMail => 'link_sealed' in payload

export function sealMail(ring: Ring, id: string, mail: ComposedMail, until: Date): SealedMail {
  const { to, purpose, locale, details, link } = mail
  const linkSealed = link === null ? null : ring.current.encrypt(Buffer.from(link), contextOf(id)).toString('base64')
  return { to, purpose, locale, details, link_sealed: linkSealed, until: until.toISOString() }
}

/** @throws when no secret of the ring opens it: then a process that has its secret will send it */
export function openMail(
  ring: Ring,
  id: string,
  { to, purpose, locale, details, link_sealed: link }: SealedMail,
): Mail {
  return {
    id,
    to,
    purpose,
    locale,
    details,
    link: link === null ? null : openLink(ring, id, Buffer.from(link, 'base64')),
  }
}

function openLink(ring: Ring, id: string, link: Buffer): string {
  for (const secret of ring.secrets) {
    try {
      return secret.decrypt(link, contextOf(id)).toString()
    } catch {
      // another secret of the ring sealed it
    }
  }
  throw new Error('no secret of the ring opens the link of a mail')
}

/** Moved to another row, it does not open. */
const contextOf = (id: string): string => `mail ${id}`
