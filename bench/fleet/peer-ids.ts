/** Ids and tokens of peers, which are random texts: of the length that better-auth makes them. */
import { hash } from 'node:crypto'

const LENGTH = 32

export const peerIdOf = (kind: string, number: number): string =>
  hash('sha256', `${kind} ${number}`, 'hex').slice(0, LENGTH)
