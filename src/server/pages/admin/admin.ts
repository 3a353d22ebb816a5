/** `/admin`: all pages for operators. */
import { createFiguresPage } from './figures.ts'
import { createFindPage } from './find.ts'
import { createGate, type GateDependencies, type PageHandlers } from './gate.ts'
import { createKeysPage } from './keys.ts'
import { createSessionPage } from './session.ts'
import { createSessionsPage } from './sessions.ts'
import { createUserPage } from './user.ts'
import { createWebhooksPage } from './webhooks.ts'

type Dependencies = GateDependencies &
  Parameters<typeof createFindPage>[0] &
  Parameters<typeof createUserPage>[0] &
  Parameters<typeof createSessionPage>[0] &
  Parameters<typeof createSessionsPage>[0] &
  Parameters<typeof createKeysPage>[0] &
  Parameters<typeof createFiguresPage>[0] &
  Parameters<typeof createWebhooksPage>[0]

/** Each with its path; none is seen by anybody who may not administer. */
export function createAdminPages(deps: Dependencies): (PageHandlers & { readonly path: string })[] {
  const gate = createGate(deps)
  return [
    createFindPage(deps),
    createUserPage(deps),
    createSessionPage(deps),
    createSessionsPage(deps),
    createKeysPage(deps),
    createFiguresPage(deps),
    createWebhooksPage(deps),
  ].map((page) => ({ path: page.path, ...gate(page) }))
}
