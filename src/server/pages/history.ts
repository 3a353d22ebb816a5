/** `/history`: what happened to somebody's account and devices, page by page. */
import { paths } from '../../protocol/paths.ts'
import { Problem } from '../errors.ts'
import type { History, HistoryEvent, HistoryPage } from '../events/history.ts'
import { withoutInternals } from '../events/own-event.ts'
import type { AllowedOrigins } from '../http/allowed-origins.ts'
import type { Context, Handler } from '../http/context.ts'
import type { ReadCookieSession } from '../http/cookie-session.ts'
import type { Locate } from '../location/location.ts'
import { createSendPage, type Look } from './document.ts'
import { historyPage, type HistoryEntry, type HistoryView } from './history-views.ts'
import { inQuery } from './in-query.ts'
import { createInWords } from './in-words.ts'
import { createVisits, type Visit } from './visit.ts'

/** Events a page. */
const LIMIT = 30

export function createHistoryPage(
  deps: Look & {
    readonly issuer: string
    readonly allowedOrigins: AllowedOrigins
    readonly history: Pick<History, 'ofUser'>
    readonly locate: Locate
    readonly readCookieSession: ReadCookieSession
  },
): Handler {
  const { history, locate } = deps
  const send = createSendPage(deps)
  const visits = createVisits({ ...deps, send }, paths.historyPage)

  async function show(ctx: Context): Promise<void> {
    const visit = await visits.begin(ctx)
    if (visit === null) return
    const cursor = inQuery(ctx, 'cursor') ?? null
    const page = await history.ofUser(visit.session.userId, { limit: LIMIT, cursor })
    if (page === null) throw new Problem(400, 'invalid_request', 'This cursor is none that was given out.')
    send(ctx, historyPage({ ...toHistoryView(page, visit, locate), isFirst: cursor === null }))
  }

  return createInWords(send)(show)
}

/** @param page null is none: it was not asked for by a cursor that could be wrong */
export const toHistoryView = (page: HistoryPage | null, visit: Visit, locate: Locate): HistoryView => ({
  entries: (page?.events ?? []).map((event) => toEntry(withoutInternals(event), locate)),
  currentId: visit.session.id,
  now: visit.now,
  returnTo: visit.returnTo,
  cursor: page?.cursor ?? null,
})

/** Of an old event the network alone is known, which is mostly in one place. */
const toEntry = (event: HistoryEvent, locate: Locate): HistoryEntry => ({
  event,
  location: locate(event.ip === null ? null : event.ip.replace(/\/\d+$/, '')),
})
