/** In the address after an action, for words about it: a claim, and only what the list bears out is said. */
import type { Context } from '../http/context.ts'
import type { Session } from '../sessions/session.ts'
import { shownName } from './devices-parts.ts'
import type { Html } from './html.ts'
import { inQuery } from './in-query.ts'
import { texts } from './texts.ts'

const DONE = ['renamed', 'signed_out', 'others', 'undone'] as const

export type Done = { readonly done: (typeof DONE)[number]; readonly device: string | null }

export function doneIn(ctx: Context): Done | null {
  const done = DONE.find((each) => each === inQuery(ctx, 'done'))
  return done === undefined ? null : { done, device: inQuery(ctx, 'device') ?? null }
}

/** Anybody can have written the address: a lie is not repeated. */
export function wordsOn({ done, device }: Done, all: readonly Session[], current: Session): Html | string | null {
  const words = texts.devices.done
  if (done === 'others') {
    const isSo = all.every(({ id, status }) => id === current.id || status !== 'active')
    return isSo ? words.others : null
  }
  const session = all.find(({ id }) => id === device)
  if (session === undefined || (session.status === 'active') === (done === 'signed_out')) return null
  return { renamed: words.renamed, signed_out: words.signedOut, undone: words.undone }[done](shownName(session))
}
