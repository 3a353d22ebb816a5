/** What one account looks like to an operator. */
import { paths } from '../../../protocol/paths.ts'
import type { ApiKey } from '../../api-keys/api-keys.ts'
import type { HistoryEvent, HistoryPage } from '../../events/history.ts'
import type { Session } from '../../sessions/session.ts'
import type { UserDetails } from '../../users/directory.ts'
import type { Page } from '../document.ts'
import { html, type Html } from '../html.ts'
import { nameOf } from './find.ts'
import { code, facts, framed, json, section, table, timeOf } from './frame.ts'
import { apiKeysTable } from './keys.ts'
import { whenAndWhy, whereOf } from './session-words.ts'
import { words, type Words } from './texts.ts'
import { formFrom, linkFrom, type Outcome, type Visit } from './visit.ts'

const told = words.user
/** Sessions; of more than these the command line tells. */
const SHOWN = 100

interface View {
  readonly visit: Visit
  readonly user: UserDetails
  /** Of every status, newest use first. */
  readonly sessions: readonly Session[]
  readonly keys: readonly ApiKey[]
  readonly events: HistoryPage
  readonly outcome: Outcome | null
  /** Claims that were refused, to be mended. */
  readonly entered: string | null
}

export const userPage = (view: View): Page =>
  framed(view.visit, {
    path: paths.adminUserPage,
    title: view.user.email ?? view.user.subject ?? told.title,
    outcome: view.outcome,
    body: html`${section(told.account, html`${accountFacts(view.user)} ${accountForms(view)}`)}
    ${section(told.sessions, sessionsOf(view))} ${section(told.claims, claimsForm(view))}
    ${section(words.keys.apiKeys, apiKeysTable(view.visit, paths.adminUserPage, { id: view.user.id }, view.keys))}
    ${section(told.history, historyOf(view))}`,
  })

const accountFacts = (user: UserDetails): Html =>
  facts([
    [told.id, code(user.id)],
    [told.address, user.email && html`${nameOf(user)} ${user.isVerified ? told.verified : told.unverified}`],
    [told.subject, user.subject && html`<bdi>${user.subject}</bdi>`],
    [told.role, words.roles[user.role]],
    [told.signsIn, user.hasPassword ? told.withPassword : told.withoutPassword],
    [told.since, timeOf(user.createdAt)],
    [told.disabledSince, user.disabledAt && timeOf(user.disabledAt)],
  ])

/** Nobody is offered to lock themselves out. */
function accountForms({ visit, user }: View): Html {
  const { actions } = told
  const isOther = user.id !== visit.session.userId
  const act = (action: string, content: Html): Html =>
    formFrom(visit, paths.adminUserPage, { id: user.id, action }, content)
  const disabling = user.disabledAt === null ? 'disable' : 'enable'
  const promoting = user.role === 'admin' ? 'demote' : 'promote'
  return html`<div class="acts">
    ${isOther && act(disabling, html`<button class="out">${actions[disabling]}</button>`)}
    ${isOther && act(promoting, html`<button class="other">${actions[promoting]}</button>`)}
    ${user.sessions > 0 && act('end_all', html`<button class="out">${actions.endAll}</button>`)}
  </div>`
}

const sessionsOf = ({ visit, sessions }: View): Html =>
  html`${table(
    told.sessions,
    told.sessionHeads,
    sessions
      .slice(0, SHOWN)
      .map((session) => [
        linkFrom(
          visit,
          paths.adminSessionPage,
          { user: session.userId, id: session.id },
          html`<bdi>${session.device.name ?? session.device.label}</bdi>`,
        ),
        whenAndWhy(session),
        whereOf(session),
        timeOf(session.lastUsedAt),
      ]),
  )}
  ${sessions.length > SHOWN && html`<p class="quiet">${told.moreSessions(SHOWN, sessions.length)}</p>`}`

const claimsForm = ({ visit, user, entered }: View): Html =>
  formFrom(
    visit,
    paths.adminUserPage,
    { id: user.id, action: 'claims' },
    html`<label for="claims">${told.claimsLabel}</label>
      <textarea
        id="claims"
        name="claims"
        rows="6"
        dir="ltr"
        spellcheck="false"
        aria-describedby="claims-hint"
        ${entered !== null && html` aria-invalid="true" autofocus`}
      >
${entered ?? json(user.claims)}</textarea>
      <p class="hint" id="claims-hint">${told.claimsHint}</p>
      <button>${told.actions.saveClaims}</button>`,
  )

const historyOf = ({ visit, user, events }: View): Html =>
  html`${table(told.history, told.historyHeads, events.events.map(eventRow))}
  ${
    events.cursor !== null &&
    html`<div class="more">
      ${linkFrom(visit, paths.adminUserPage, { id: user.id, cursor: events.cursor }, words.older)}
    </div>`
  }`

/** Who, what and from where, as the row has it: whoever looks here wants to know exactly. */
const eventRow = ({
  createdAt,
  type,
  reason,
  subtype,
  subject,
  actor,
  actorId,
  by,
  ip,
  details,
}: HistoryEvent): (Words | null)[] => [
  timeOf(createdAt),
  html`${code([type, reason, subtype].filter(Boolean).join(' '))}${
    Object.keys(details).length > 0 && html`<br /><span class="quiet">${JSON.stringify(details)}</span>`
  }`,
  subject && html`<bdi>${subject.name ?? subject.id}</bdi>`,
  html`${words.actors[actor]}${by?.name != null && html` (<bdi>${by.name}</bdi>)`}${
    actorId !== null && html`<br />${code(actorId)}`
  }`,
  ip,
]
