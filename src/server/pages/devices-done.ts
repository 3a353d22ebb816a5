/** In the address after an action, for words about it: a claim, and only what the list bears out is said. */
import type { Context } from '../http/context.ts'
import type { Session } from '../sessions/session.ts'
import { shownName } from './devices-views.ts'
import type { Html } from './html.ts'
import { inQuery } from './in-query.ts'
import { texts } from './texts.ts'

export type Done = { readonly done: 'renamed' | 'signed_out' | 'others'; readonly device: string | null }

export function doneIn(ctx: Context): Done | null {
  const done = inQuery(ctx, 'done')
  if (done !== 'renamed' && done !== 'signed_out' && done !== 'others') return null
  return { done, device: inQuery(ctx, 'device') ?? null }
}

/** Anybody can have written the address: a lie is not repeated. */
export function wordsOn({ done, device }: Done, all: readonly Session[], current: Session): Html | string | null {
  const words = texts.devices.done
  if (done === 'others') {
    const isSo = all.every(({ id, status }) => id === current.id || status !== 'active')
    return isSo ? words.others : null
  }
  const session = all.find(({ id }) => id === device)
  if (session === undefined || (session.status === 'active') !== (done === 'renamed')) return null
  return done === 'renamed' ? words.renamed(shownName(session)) : words.signedOut(shownName(session))
}
