/** `/admin/keys`: the keys that sign access tokens, and the API keys of the service itself. */
import { paths } from '../../../protocol/paths.ts'
import type { ApiKey, ApiKeys } from '../../api-keys/api-keys.ts'
import type { SigningKeys } from '../../tokens/signing-keys.ts'
import { html, type Html } from '../html.ts'
import { code, framed, section, table, timeOf } from './frame.ts'
import { words } from './texts.ts'
import { formFrom, type Action, type AdminPage, type Visit } from './visit.ts'

const told = words.keys

export function createKeysPage(deps: {
  keys: Pick<SigningKeys, 'list' | 'rotate'>
  apiKeys: Pick<ApiKeys, 'list' | 'revoke'>
}): AdminPage {
  const { keys, apiKeys } = deps
  const newest = (): string => keys.list().at(-1)?.kid ?? ''

  /** The form names the newest key, so that one question makes one key, however often its answer is sent. */
  const rotate: Action = {
    ask: () => Promise.resolve(told.question),
    async act(_, wanted) {
      if (wanted.get('newest') !== newest()) return { fault: told.rotatedMeanwhile }
      const key = await keys.rotate()
      return { done: told.rotated(code(key.kid), timeOf(key.activatesAt)) }
    },
  }

  return {
    path: paths.adminKeysPage,
    actions: { rotate, revoke_key: createRevokeKey(apiKeys, () => null) },
    async show(visit, _, outcome) {
      const ofService = await apiKeys.list(null)
      return framed(visit, {
        path: paths.adminKeysPage,
        title: told.title,
        outcome,
        body: html`${section(told.signing, signingKeys(visit, keys, newest()))}
        ${section(
          told.ofService,
          html`<p class="quiet">${told.make}</p>
            ${apiKeysTable(visit, paths.adminKeysPage, {}, ofService)}`,
        )}`,
      })
    },
  }
}

const signingKeys = (visit: Visit, keys: Pick<SigningKeys, 'list'>, newest: string): Html =>
  html`${table(
    told.signing,
    told.signingHeads,
    keys.list().map(({ kid, alg, state, activatesAt }) => [code(kid), alg, told.states[state], timeOf(activatesAt)]),
  )}
  ${formFrom(visit, paths.adminKeysPage, { action: 'rotate', newest }, html`<button>${told.rotate}</button>`)}`

/** @param parameters of the page on which they are shown */
export const apiKeysTable = (
  visit: Visit,
  path: string,
  parameters: Readonly<Record<string, string>>,
  keys: readonly ApiKey[],
): Html =>
  table(
    told.apiKeys,
    told.heads,
    keys.map((key) => [
      html`<bdi>${key.name}</bdi> <span class="quiet">…${key.hint}</span>`,
      key.scope === '' ? null : code(key.scope),
      key.lastUsedAt === null ? words.never : timeOf(key.lastUsedAt),
      key.expiresAt === null ? words.never : timeOf(key.expiresAt),
      formFrom(
        visit,
        path,
        { ...parameters, action: 'revoke_key', key: key.id },
        html`<button class="out" aria-label="${told.revokeLabel(key.name)}">${told.revoke}</button>`,
      ),
    ]),
  )

/** @param ownerIn whose key it is, by the page's parameters; null: the service's own */
export const createRevokeKey = (
  apiKeys: Pick<ApiKeys, 'list' | 'revoke'>,
  ownerIn: (id: string | undefined) => string | null,
): Action => ({
  async ask(_, wanted) {
    const key = (await apiKeys.list(ownerIn(wanted.get('id')))).find(({ id }) => id === wanted.get('key'))
    return key === undefined ? { fault: told.gone } : told.revokeQuestion(html`<bdi>${key.name}</bdi>`)
  },
  async act({ actor }, wanted) {
    const isKnown = await apiKeys.revoke(ownerIn(wanted.get('id')), wanted.get('key') ?? '', actor)
    return isKnown ? { done: told.revoked } : { fault: told.gone }
  },
})
