/** `/admin`: the newest users, and one by address, id or subject. */
import { validate as isUuid } from 'uuid'
import { paths } from '../../../protocol/paths.ts'
import { Problem } from '../../errors.ts'
import type { Directory, UserDetails, UserPage } from '../../users/directory.ts'
import type { Page } from '../document.ts'
import { html, type Html } from '../html.ts'
import { field, framed, table, timeOf } from './frame.ts'
import { words } from './texts.ts'
import { formFrom, linkFrom, type AdminPage, type Visit, type Wanted } from './visit.ts'

const told = words.find
/** A page of the list. */
const LISTED = 25

export function createFindPage({ directory }: { directory: Directory }): AdminPage {
  /** It is looked for by form, so that no address stands in an address. */
  async function search(who: string): Promise<UserPage> {
    const subjects = await directory.search({ subject: who })
    const others = isUuid(who) ? [await directory.show(who)] : (await directory.search({ email: who }))?.users
    const users = [...(subjects?.users ?? []), ...(others ?? [])].filter((user) => user !== null)
    return { users: users.filter(({ id }, index) => users.findIndex((user) => user.id === id) === index), cursor: null }
  }

  return {
    path: paths.adminPage,
    actions: {},
    async show(visit, wanted, outcome) {
      const who = wanted.get('who')
      const page =
        who === undefined ? await directory.search({ limit: LISTED, ...cursorIn(wanted) }) : await search(who)
      if (page === null) throw new Problem(400, 'invalid_request', 'This cursor is not one of a page before.')
      return framed(visit, { path: paths.adminPage, title: told.title, outcome, body: bodyOf(visit, who, page) })
    },
  }
}

function cursorIn(wanted: Wanted): { cursor?: string } {
  const cursor = wanted.get('cursor')
  return cursor === undefined ? {} : { cursor }
}

const bodyOf = (visit: Visit, who: string | undefined, { users, cursor }: UserPage): Page['body'] =>
  html`${formFrom(
      visit,
      paths.adminPage,
      {},
      html`<div class="row">${field(told.field, 'who', { value: who })}<button>${told.button}</button></div>`,
    )}
    <h2>${who === undefined ? told.newest : told.found}</h2>
    ${
      users.length === 0
        ? html`<p>${told.nobody}</p>`
        : table(
            told.title,
            told.heads,
            users.map((user) => rowOf(visit, user)),
          )
    }
    ${who !== undefined && html`<div class="more">${linkFrom(visit, paths.adminPage, {}, told.newest)}</div>`}
    ${cursor !== null && html`<div class="more">${linkFrom(visit, paths.adminPage, { cursor }, words.more)}</div>`}`

const rowOf = (visit: Visit, user: UserDetails): (Html | string)[] => [
  linkFrom(visit, paths.adminUserPage, { id: user.id }, nameOf(user)),
  html`${user.role === 'admin' && html`<span class="tag">${words.roles.admin}</span> `}${
    user.disabledAt !== null && html`<span class="tag bad">${words.disabled}</span>`
  }`,
  String(user.sessions),
  timeOf(user.createdAt),
]

/** What an operator knows somebody by. */
export const nameOf = ({ email, subject, id }: UserDetails): Html => html`<bdi>${email ?? subject ?? id}</bdi>`
