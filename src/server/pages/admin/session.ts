/** `/admin/session`: one session with all that is known of it, its end moved, taken back or brought about. */
import { validate as isUuid } from 'uuid'
import { paths } from '../../../protocol/paths.ts'
import { Problem } from '../../errors.ts'
import { ControlRefused } from '../../sessions/control-refused.ts'
import type { FullSession } from '../../sessions/full-session.ts'
import { InvalidMember } from '../../sessions/invalid-member.ts'
import type { SessionUpdate } from '../../sessions/session-update.ts'
import type { Sessions } from '../../sessions/sessions.ts'
import type { Page } from '../document.ts'
import { html, type Html } from '../html.ts'
import { texts } from '../texts.ts'
import { code, facts, field, framed, json, section, timeOf } from './frame.ts'
import { whenAndWhy, whereOf } from './session-words.ts'
import { faultWords, words } from './texts.ts'
import { timeIn } from './time-field.ts'
import { formFrom, linkFrom, type Action, type AdminPage, type Outcome, type Visit, type Wanted } from './visit.ts'

const told = words.session

export function createSessionPage({
  sessions,
}: {
  sessions: Pick<Sessions, 'findInFull' | 'update' | 'revoke'>
}): AdminPage {
  /** @param updateIn null for a time that is none */
  const updating = (updateIn: (wanted: Wanted) => SessionUpdate | null, done: string): Action => ({
    async act({ actor }, wanted) {
      const { user, id } = idsIn(wanted)
      const update = updateIn(wanted)
      if (update === null) return { fault: words.faults['invalid_time'] ?? '' }
      const outcome = await sessions.update(user, id, update, actor).catch(refusalOf)
      if (outcome === null) throw noSession()
      return 'fault' in outcome ? outcome : { done }
    },
  })

  const end: Action = {
    async act({ actor }, wanted) {
      const { user, id } = idsIn(wanted)
      if (!(await sessions.revoke(user, id, 'revoked_by_admin', actor))) throw noSession()
      return { done: told.ended }
    },
  }

  return {
    path: paths.adminSessionPage,
    actions: {
      end,
      expire: updating(() => ({ expired: true }), told.expired),
      pin: updating(() => ({ pinned: true }), told.pinnedNow),
      unpin: updating(() => ({ pinned: false }), told.unpinned),
      extend: updating((wanted) => endIn(wanted), told.moved),
      revive: updating(
        (wanted) => (wanted.has('until') ? endIn(wanted, { revived: true }) : { revived: true }),
        told.revived,
      ),
    },
    async show(visit, wanted, outcome) {
      const { user, id } = idsIn(wanted)
      const session = await sessions.findInFull(user, id)
      if (session === null) throw noSession()
      return sessionPage(visit, session, outcome)
    },
  }
}

function endIn(wanted: Wanted, others: SessionUpdate = {}): SessionUpdate | null {
  const expiresAt = timeIn(wanted.get('until'))
  return expiresAt && { ...others, expiresAt }
}

/** What is no id names no session. @throws {Problem} 404 */
function idsIn(wanted: Wanted): { user: string; id: string } {
  const [user = '', id = ''] = [wanted.get('user'), wanted.get('id')]
  if (!isUuid(user) || !isUuid(id)) throw noSession()
  return { user, id }
}

function refusalOf(error: unknown): { fault: string } {
  if (error instanceof ControlRefused) return { fault: error.message }
  if (error instanceof InvalidMember) return { fault: faultWords(error) }
  throw error
}

const noSession = (): Problem => new Problem(404, 'not_found', 'There is no such session.')

const sessionPage = (visit: Visit, session: FullSession, outcome: Outcome | null): Page =>
  framed(visit, {
    path: paths.adminSessionPage,
    title: session.device.name ?? session.device.label,
    outcome,
    body: html`<div class="more">${linkFrom(visit, paths.adminUserPage, { id: session.userId }, told.toUser)}</div>
      ${section(told.title, html`${sessionFacts(session)} ${formsOf(visit, session)}`)}
      ${section(told.data, html`<pre>${json(session.data)}</pre>`)}
      ${section(told.claims, html`<pre>${json(session.claims)}</pre>`)}`,
  })

const sessionFacts = (session: FullSession): Html =>
  facts([
    [told.id, code(session.id)],
    [told.state, html`${whenAndWhy(session)}${session.pinned && html` <span class="tag">${told.pinned}</span>`}`],
    [told.device, html`<bdi>${session.device.label}</bdi>`],
    [told.app, nameAndVersion(session.device.app)],
    [told.browser, nameAndVersion(session.device.browser)],
    [told.system, nameAndVersion(session.device.os)],
    [told.place, whereOf(session)],
    [told.firstAddress, session.ipFirst],
    [told.client, code(session.clientId)],
    [told.signedIn, texts.devices.details.signedInAt(timeOf(session.createdAt), texts.devices.methods(session.amr))],
    [told.lastUsed, timeOf(session.lastUsedAt)],
    [told.idleEnd, timeOf(session.idleExpiresAt)],
    [told.absoluteEnd, timeOf(session.expiresAt)],
  ])

const nameAndVersion = ({ name, version }: { name: string | null; version: string | null }): Html | null =>
  name === null ? null : html`<bdi>${[name, version].filter(Boolean).join(' ')}</bdi>`

function formsOf(visit: Visit, { userId, id, status, pinned }: FullSession): Html {
  const act = (action: string, content: Html): Html =>
    formFrom(visit, paths.adminSessionPage, { user: userId, id, action }, content)
  const until = (button: string): Html =>
    html`<div class="row">
      ${field(told.until, 'until', { type: 'datetime-local' })}<button class="other">${button}</button>
    </div>`
  if (status !== 'active')
    return act(
      'revive',
      html`<p class="quiet">${told.reviveHint}</p>
        ${until(told.revive)}`,
    )
  return html`<div class="acts">
      ${act('end', html`<button class="out">${told.end}</button>`)}
      ${act('expire', html`<button class="out">${told.expire}</button>`)}
      ${act(pinned ? 'unpin' : 'pin', html`<button class="other">${pinned ? told.unpin : told.pin}</button>`)}
    </div>
    ${act('extend', until(told.move))}`
}
